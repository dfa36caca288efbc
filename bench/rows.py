"""Rows of a contact file a second: read, checked, rendered, and their time zones resolved.

Beside them, in the same run, the bare cost: a CSV reader and the number library's parser, and
nothing else. Every stage has a process of its own. The rows are people of the United States with
states and postal codes, and two templates of five look-ups.

    python -m bench.rows [--rows 100000 1000000] [--processes 2]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
from rich.console import Console
from rich.table import Table

from bench.memory import PeakMemory
from bench.processes import ROOT
from outdial.domain.numbers.american import american_number
from outdial.domain.rules.data import table
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import read_definition

FIRST_NAMES = ("ana", "ben", "chloé", "dmitri", "eve", "farah", "goran", "hana")
LAST_NAMES = ("lee", "smith", "o'neil", "garcia", "van dyke")
DEFINITION = """\
name: rows
purpose: informational
agent: bench
recipients: {csv: contacts.csv}
variables:
  greeting: "Hello {{ first_name | title }} {{ last_name | title }}"
  offer: "{{ product }} for {{ amount }} dollars, due {{ due }}"
"""


@dataclass(frozen=True)
class Stage:
    rows: int
    seconds: float
    processor: float
    """Seconds, of all its processes."""
    memory: str
    """Peak, in MB: its own, and that of the largest of those beside it."""


def write_contacts(path: Path, rows: int) -> None:
    """People with numbers of all area codes, none twice, and an address in the area."""
    chance = random.Random(1)
    areas = _areas()
    written: set[str] = set()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("phone,first_name,last_name,state,postal_code,product,amount,due\n")
        while len(written) < rows:
            area, states = chance.choice(areas)
            number = f"+1{area}{chance.randint(2_000_000, 9_999_999)}"
            if number in written or american_number(number, None) is None:
                continue
            written.add(number)
            state, prefixes = chance.choice(states)
            fields = (
                number, chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES), state,
                f"{chance.choice(prefixes)}{chance.randint(1, 99):02}",
                f"plan {chance.randint(1, 9)}", f"{chance.randint(1, 900)}.50",
                f"2027-01-{chance.randint(1, 28):02}",
            )  # fmt: skip
            file.write(",".join(fields) + "\n")


def _areas() -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Area codes with their states, and the beginnings of the states' postal codes."""
    prefixes: dict[str, list[str]] = {}
    for first, last, state in table("places")["zip_prefixes"]:
        prefixes.setdefault(state, []).extend(
            f"{each:03}" for each in range(int(first), int(last) + 1)
        )
    areas = []
    for code, area in sorted(table("area_codes")["areas"].items()):
        states = [(name[3:], prefixes[name]) for name in area["in"] if name in prefixes]
        if states:
            areas.append((code, states))
    return areas


def bare(folder: Path) -> int:
    rows = 0
    with (folder / "contacts.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            phonenumbers.parse(row[0])
            rows += 1
    return rows


def read(folder: Path, processes: int, memory: PeakMemory) -> int:
    rows = 0
    for chunk in read_chunks(read_definition(folder / "rows.yaml"), processes=processes):
        if chunk.problems:
            raise SystemExit(str(chunk.problems[0]))
        rows += len(chunk.recipients)
        memory.sample()
    return rows


def measure(work: Callable[[PeakMemory], int]) -> Stage:
    memory = PeakMemory()
    memory.parts["stage"] = os.getpid()
    begun, spent = time.perf_counter(), _processor()
    rows = work(memory)
    seconds, processor = time.perf_counter() - begun, _processor() - spent
    memory.sample()
    return Stage(rows, seconds, processor, memory.of("stage"))


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _apart(folder: Path, stage: str) -> Stage:
    """The stage in a process of its own, so that its peak memory is its own."""
    arguments = [sys.executable, "-m", "bench.rows", "--stage", stage, "--folder", str(folder)]
    output = subprocess.run(arguments, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return Stage(**json.loads(output))


def show(sizes: list[int], processes: int) -> None:
    shown = Table(title="Rows a second, and microseconds of CPU for each")
    for column in ("rows", "stage", "rows/s", "of bare", "CPU a row", "peak MB"):
        shown.add_column(column, justify="left" if column == "stage" else "right")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_contacts(folder / "contacts.csv", rows)
            (folder / "rows.yaml").write_text(DEFINITION, encoding="utf-8")
            stages = {
                "bare: CSV reader and parser": _apart(folder, "bare"),
                "in one process": _apart(folder, "0"),
                f"{processes} processes beside it": _apart(folder, str(processes)),
            }
            base = next(iter(stages.values()))
            for stage, measured in stages.items():
                speed = measured.rows / measured.seconds
                shown.add_row(
                    f"{measured.rows:,}",
                    stage,
                    f"{speed:,.0f}",
                    f"{speed * base.seconds / base.rows:.2f}",
                    f"{1e6 * measured.processor / measured.rows:.1f}",
                    measured.memory,
                )
    Console(width=110).print(shown)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage is None:
        show(given.rows, given.processes)
        return
    if given.stage == "bare":
        stage = measure(lambda _: bare(given.folder))
    else:
        stage = measure(lambda memory: read(given.folder, int(given.stage), memory))
    print(json.dumps(vars(stage)))


if __name__ == "__main__":
    main()
