"""What a stack has used so far: CPU and memory of its processes, and the sizes of its databases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from bench.memory import descendants
from bench.processes import TICKS, cpu_seconds

POSTGRESQL = "postgresql"


@dataclass(frozen=True)
class Footprint:
    """By part: CPU seconds since its start, MB of memory; bytes by database."""

    cpu: dict[str, float]
    memory: dict[str, float]
    sizes: dict[str, int]


class Stack:
    """The processes and databases of one installation on this machine."""

    def __init__(self, pids: Mapping[str, int], database_url: str, temporal: Path) -> None:
        """`temporal` is the file of Temporal's development server."""
        self._pids = dict(pids)
        self._url = database_url
        self._temporal = temporal
        if database_url.startswith(POSTGRESQL):
            self._pids[POSTGRESQL] = _postmaster(database_url)

    def measure(self) -> Footprint:
        return Footprint(
            {part: self._cpu(part, pid) for part, pid in self._pids.items()},
            {part: _megabytes(pid) for part, pid in self._pids.items()},
            {"outdial": self._database_size(), "temporal": _file_size(self._temporal)},
        )

    def _cpu(self, part: str, pid: int) -> float:
        """PostgreSQL has a process for each connection; what ended ones took, the first has."""
        if part != POSTGRESQL:
            return cpu_seconds(pid)
        return _with_ended(pid) + sum(_of_session(child) for child in descendants(pid))

    def _database_size(self) -> int:
        if not self._url.startswith(POSTGRESQL):
            return _file_size(Path(make_url(self._url).database or ""))
        size = _ask(self._url, "SELECT pg_database_size(current_database())")
        return int(size)


def _file_size(path: Path) -> int:
    """Of a SQLite database with its write-ahead log."""
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*") if one.is_file())


def _postmaster(url: str) -> int:
    folder = Path(_ask(url, "SHOW data_directory"))
    return int((folder / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])


def _ask(url: str, question: str) -> str:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        answer = str(connection.execute(text(question)).scalar_one())
    engine.dispose()
    return answer


def _of_session(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except FileNotFoundError:
        return 0.0  # it has ended since, and is among those that the first has waited for


def _with_ended(pid: int) -> float:
    """CPU seconds of a process and of the children that it has waited for (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def _megabytes(pid: int) -> float:
    """Resident memory of a process and its children; what they share is counted once."""
    total = 0
    for each in (pid, *descendants(pid)):
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue  # it has ended
        size = re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)
        total += int(size[1]) if size else 0
    return total / 1024
