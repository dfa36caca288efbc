"""How the command line writes: results to standard output, everything else to standard error.

Plain lines need no rich, which takes as long to import as some commands take in all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

import typer

from outdial.cli.exit_codes import FAILED
from outdial.domain.codes import words
from outdial.domain.dated_time import dated_time

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


SOON = timedelta(hours=2)
"""How far off an instant is named by its distance."""


def console(*, stderr: bool = False) -> Console:
    """A console for tables and live pictures, wide enough that a piped table is not folded.

    Text is printed as it is: reasons, names and citations may contain what Rich reads as markup.
    Style comes with `rich.text.Text`.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Console(
        stderr=stderr, highlight=False, soft_wrap=True, width=width, markup=False, emoji=False
    )


def new_table(*headings: str, right: frozenset[str] = frozenset()) -> Table:
    """A table without lines; columns in `right` are aligned to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left")
    return table


def print_table(table: Table) -> None:
    console().print(table)


def fail(*lines: str, code: int = FAILED) -> NoReturn:
    """One line each on standard error, and exit with `code`."""
    for line in lines:
        typer.secho(line, fg=typer.colors.RED, err=True)
    raise SystemExit(code)


def say(text: str, *, to_stderr: bool = False) -> None:
    """A line for people, as it is."""
    typer.echo(text, err=to_stderr)


def say_if_more(matching: Sequence[object], limit: int, *, to_stderr: bool = False) -> None:
    """Say so when more match than `limit` lets be shown: nothing is left out silently."""
    if len(matching) > limit:
        say(f"There are more than {limit}; --limit shows more of them.", to_stderr=to_stderr)


def flush_json(text: str) -> None:
    """A line for programs, on standard output and nowhere else."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def counted(counts: dict[str, int]) -> str:
    """`12 completed, 3 no answer`, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {words(name)}" for name, count in ordered if count)


def plural(count: int, noun: str, many: str | None = None) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {many or noun + 's'}"


def clock_time(seconds: float) -> str:
    """`1:02`, or `1:00:02` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def until(at: datetime, now: datetime) -> str:
    """How far off an instant is: `in 12 s`, `in 5 min`, or its date and time in UTC."""
    wait = at - now
    if wait < timedelta(seconds=1):
        return "now"
    if wait < timedelta(minutes=2):
        return f"in {int(wait.total_seconds())} s"
    if wait < SOON:
        return f"in {int(wait.total_seconds() // 60)} min"
    return f"at {at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def zoned_time(at: datetime, zone: str, now: datetime) -> str:
    """An instant by the clock of a zone and in UTC, with how far off it is if that is soon."""
    soon = f", {until(at, now)}" if at - now < SOON else ""
    return f"{dated_time(at, (zone,))}{soon}"
