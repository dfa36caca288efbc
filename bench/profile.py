"""Where the CPU of a process of the engine goes, by what its threads were doing.

    python -m bench.profile MODULE [ARGUMENT…]     runs a module, and measures it

A thread looks at all Python threads every two milliseconds, and books the CPU that each has used
since then on the innermost frame that belongs to a stage, unless the thread only waits. At the end
the CPU of each thread is divided by what was booked, waits left out. What the process used beyond
its Python threads is the SDK's core, whose threads are its own. SQL statements are counted beside.
SIGUSR1 begins anew, SIGUSR2 writes what was measured to the file in BENCH_PROFILE, as JSON;
`bench.throughput --profile` does both.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import CodeType, FrameType

from sqlalchemy import Engine, event

PERIOD = 0.002
"""Seconds between two looks."""
SWITCH = 0.00001
"""How long a thread may keep the interpreter while the sampler waits for it: with the usual five
milliseconds it would look only where a thread gives the interpreter up by itself."""

STAGES: tuple[tuple[str, str], ...] = (
    ("logging", r"/logging/__init__\.py:"),
    ("database driver: commit", r"/sqlalchemy/engine/default\.py:(do_commit|do_rollback)"),
    ("database driver: statements", r"/sqlalchemy/engine/default\.py:do_|/(psycopg|sqlite3)/"),
    ("SQLAlchemy", r"/(sqlalchemy|sqlmodel)/"),
    ("httpx", r"/(httpx|httpcore|h11|anyio)/"),
    ("signatures of webhooks", r"/outdial/providers/(signing|simulated/signature)\.py"),
    ("pydantic", r"/pydantic(_core)?/"),
    (
        "SDK: payload codec",
        r"/temporalio/(converter|contrib/pydantic)|/bridge/_visitor|_aware_visit",
    ),
    ("SDK: workflow tasks", r"/temporalio/(worker/(_workflow|workflow_sandbox)|workflow)"),
    ("SDK: activities", r"/temporalio/(worker/_(activity|interceptor)|activity)"),
    ("SDK: client and bridge", r"/temporalio/"),
    ("workflow code", r"/workflows/"),
    ("our code: decisions", r"/outdial/domain/"),
    ("our code: store", r"/outdial/store/"),
    ("our code: activities", r"/activities/"),
    ("our code: the rest", r"/outdial/"),
    ("FastAPI, uvicorn", r"/(fastapi|starlette|uvicorn)/"),
    ("event loop and threads", r"/(asyncio|concurrent|uvloop)/|/(threading|selectors)\.py"),
)
CORE = "SDK core, in Rust"
OWN = "the profiler"
OTHER = "other"
_PATTERNS = [(name, re.compile(pattern)) for name, pattern in STAGES]
_WAITS = re.compile(
    r"/selectors\.py:select|/concurrent/futures/thread\.py:_worker|/threading\.py:wait"
)
"""Frames within which a thread only waits; what it used before, it used elsewhere."""
_MAY_WAIT = re.compile(r"/asyncio/runners\.py:run|/sqlalchemy/engine/default\.py:do_|/psycopg/")
"""Frames within which a thread may wait without the interpreter: the kernel knows if it does."""


def place_of(code: CodeType) -> str:
    return f"{code.co_filename}:{code.co_name}"


class Profiler:
    """Books looks from its start on."""

    def __init__(self) -> None:
        self._places: dict[int, dict[CodeType, float]] = defaultdict(lambda: defaultdict(float))
        self._stages: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._cpu: dict[int, float] = {}
        """CPU seconds of each thread when it was seen last."""
        self._cpu_before: dict[int, float] = {}
        self._statements: Counter[str] = Counter()
        self._began = time.process_time()
        self._stage_of_code: dict[CodeType, str | None] = {}
        self._may_wait: dict[CodeType, tuple[bool, bool]] = {}
        self._own = 0

    def start(self) -> None:
        sys.setswitchinterval(SWITCH)
        threading.Thread(target=self._run, name="profiler", daemon=True).start()
        event.listen(Engine, "before_cursor_execute", self._count)
        event.listen(Engine, "commit", lambda _: self._statements.update(["COMMIT"]))
        signal.signal(signal.SIGUSR1, lambda *_: self._reset())
        signal.signal(signal.SIGUSR2, lambda *_: self._write())

    def _reset(self) -> None:
        self._places.clear()
        self._stages.clear()
        self._statements.clear()
        self._cpu_before = dict(self._cpu)
        self._began = time.process_time()

    def _write(self) -> None:
        total = time.process_time() - self._began
        places: dict[str, float] = defaultdict(float)
        cpu: dict[str, float] = defaultdict(float)
        for thread, used_in_all in self._cpu.items():
            used = used_in_all - self._cpu_before.get(thread, 0.0)
            booked = sum(self._stages[thread].values())
            if thread == self._own or not booked:
                cpu[OWN if thread == self._own else OTHER] += used
                continue
            for stage, seconds in self._stages[thread].items():
                cpu[stage] += used * seconds / booked
            for code, seconds in self._places[thread].items():
                places[place_of(code)] += used * seconds / booked
        cpu[CORE] = max(0.0, total - sum(cpu.values()))
        result = {"cpu": cpu, "places": places, "statements": dict(self._statements)}
        path = Path(os.environ["BENCH_PROFILE"])
        path.with_suffix(".new").write_text(json.dumps(result))
        path.with_suffix(".new").replace(path)

    def _count(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self._statements[" ".join(statement.split())] += 1

    def _run(self) -> None:
        self._own = threading.get_ident()
        while True:
            time.sleep(PERIOD)
            kernel_ids = {thread.ident: thread.native_id for thread in threading.enumerate()}
            for ident, frame in sys._current_frames().items():
                try:
                    now = time.clock_gettime(time.pthread_getcpuclockid(ident))
                except OSError:  # it has just ended
                    continue
                used, self._cpu[ident] = now - self._cpu.get(ident, now), now
                if ident != self._own and not self._waits(frame, kernel_ids.get(ident)):
                    self._stages[ident][self._stage(frame)] += used
                    self._places[ident][frame.f_code] += used

    def _waits(self, frame: FrameType, kernel_id: int | None) -> bool:
        code = frame.f_code
        if code not in self._may_wait:
            place = place_of(code)
            self._may_wait[code] = (bool(_WAITS.search(place)), bool(_MAY_WAIT.search(place)))
        waits, may_wait = self._may_wait[code]
        if waits or not may_wait:
            return waits
        try:
            stat = Path(f"/proc/self/task/{kernel_id}/stat").read_text()
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] != "R"

    def _stage(self, innermost: FrameType) -> str:
        frame: FrameType | None = innermost
        while frame is not None:
            stage = self._stage_of(frame.f_code)
            if stage is not None:
                return stage
            frame = frame.f_back
        return OTHER

    def _stage_of(self, code: CodeType) -> str | None:
        if code not in self._stage_of_code:
            place = place_of(code)
            self._stage_of_code[code] = next((n for n, p in _PATTERNS if p.search(place)), None)
        return self._stage_of_code[code]


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    Profiler().start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
