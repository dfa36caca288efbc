"""The numbers of docs/capacity.md follow from the figures at its top."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil, floor, log10
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "capacity.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
RATES = (10, 100, 1000)
BUSY = 0.6
SHARDS = 128
DAY = 36_000
"""Seconds of ten hours."""


def table(heading: str) -> dict[str, list[str]]:
    """The cells of the first table below a heading, by the first of each row."""
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows[2:]}


FIGURES = {
    name: float(value.split()[0]) for name, (value, _) in table("The figures of the plan").items()
}
WORKER, API, TEMPORAL, OURS, THEIRS = (
    FIGURES[f"{part}, CPU"] / 1000
    for part in ("worker", "API", "Temporal's server", "our PostgreSQL", "Temporal's PostgreSQL")
)
COMMITS = FIGURES["our PostgreSQL, commits"]
THEIR_COMMITS = FIGURES["Temporal's database, commits"]
Needed = Callable[[int], float]


def cores(seconds: float) -> Needed:
    return lambda rate: ceil(round(rate * seconds / BUSY, 6))


def api_processes(rate: int) -> float:
    return max(2, cores(API)(rate))


def together(rate: int) -> float:
    return api_processes(rate) + sum(cores(each)(rate) for each in (WORKER, TEMPORAL, OURS, THEIRS))


def whole(value: float) -> str:
    return f"{value:,.0f}"


def gigabytes(value: float) -> str:
    """With two digits that count."""
    digits = 1 - floor(log10(value))
    return f"{round(value, digits):,.{max(0, digits)}f} GB"


def disk(figure: str) -> Needed:
    return lambda rate: DAY * rate * FIGURES[figure] / 1e6


NEEDED: dict[str, tuple[Needed, Callable[[float], str]]] = {
    "worker processes": (cores(WORKER), whole),
    "API processes": (api_processes, whole),
    "cores of Temporal's server": (cores(TEMPORAL), whole),
    "cores of our PostgreSQL": (cores(OURS), whole),
    "cores of Temporal's PostgreSQL": (cores(THEIRS), whole),
    "cores together": (together, whole),
    "connections to our PostgreSQL": (
        lambda rate: 10 * (cores(WORKER)(rate) + api_processes(rate)) + 20,
        whole,
    ),
    "commits a second, ours": (lambda rate: rate * COMMITS, whole),
    "commits a second, Temporal's": (lambda rate: rate * THEIR_COMMITS, whole),
    "disk a day of ten hours, ours": (disk("our database, disk"), gigabytes),
    "disk a day of ten hours, Temporal's": (disk("Temporal's database, disk"), gigabytes),
    "memory of all workers, calls of three minutes": (
        lambda rate: (150 * cores(WORKER)(rate) + 0.1 * rate * 180) / 1000,
        gigabytes,
    ),
    "campaigns at least, calls of a minute": (lambda rate: ceil(rate * 60 / 1000), whole),
}


def needed(name: str, rate: int) -> str:
    compute, show = NEEDED[name]
    return show(compute(rate))


def test_what_is_needed_follows_from_the_figures() -> None:
    computed = {name: [needed(name, rate) for rate in RATES] for name in NEEDED}
    assert {name: cells[1:] for name, cells in table("What is needed").items()} == computed


@pytest.mark.parametrize(
    "sentence",
    [
        f"need hosts for {needed('cores together', 100)} cores",
        f"default of 100 to {needed('connections to our PostgreSQL', 100)} at least",
        f"{ceil(COMMITS * 100 * 0.005)} of our {whole(COMMITS * 100)} have to share each flush",
        f"128 makes {round(THEIR_COMMITS * 100 / SHARDS)} commits a second",
        f"make {whole(COMMITS * 1000)} commits a second for us",
        f"and Temporal's {whole(THEIR_COMMITS * 1000)}:",
        f"at {floor(2 / (WORKER + API + TEMPORAL))} calls a second "
        f"(2 ÷ {(WORKER + API + TEMPORAL) * 1000:.0f} ms of worker, API and Temporal)",
    ],
)
def test_sentences_follow_from_the_figures(sentence: str) -> None:
    assert sentence in WORDS
