"""`outdial lines`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import NothingYet, reading_records
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, new_table, print_table, say, until
from outdial.cli.running import run, settings_or_fail
from outdial.domain.codes import words

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings
    from outdial.services.operations.line_view import LineView


def lines(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show the state of the lines.

    A line is `in service`; `resting`, with no calls placed on it after too many failures; or
    `trying`, with one call under way to see whether it works again. Shows why, and the latest
    failures.
    """
    run(_lines(settings_or_fail(), as_json=as_json))


async def _lines(settings: Settings, *, as_json: bool) -> int:
    from outdial.services.operations import reading
    from outdial.services.operations.line_view import LineView

    try:
        async with reading_records(settings) as at:
            views = [LineView.of(status) for status in await reading.list_lines(at.context)]
            now = at.context.clock()
    except NothingYet as error:
        if as_json:
            flush_json("[]")
        else:
            say(f"{str(error).capitalize()}. `outdial line check NAME` checks a line.")
        return OK
    if as_json:
        rows = [view.model_dump(mode="json") for view in views]
        flush_json(json.dumps(rows, ensure_ascii=False))
    elif views:
        _print_lines(views, now)
    else:
        say("No line has been recorded yet; a worker records those of its settings at its start.")
    return OK


def _print_lines(views: list[LineView], now: datetime) -> None:
    from outdial.services.operations.line_view import LineState

    table = new_table("line", "provider", "state", "in flight", "per second", "next")
    for view in views:
        resting = view.state is LineState.RESTING and view.retry_at
        table.add_row(
            view.name,
            view.provider,
            words(view.state),
            f"{view.in_flight} of {view.max_concurrent}",
            f"{view.per_second:.3g}",
            f"tried {until(resting, now)}" if resting else "",
        )
    print_table(table)
    for view in views:
        _print_failures(view)


def _print_failures(view: LineView) -> None:
    from outdial.services.operations.line_view import LineState

    if view.state is LineState.IN_SERVICE:
        return
    say(f"{view.name} is {words(view.state)}: {view.reason}")
    for failure in view.failures:
        detail = f": {failure.detail}" if failure.detail else ""
        say(f"  {failure.at:%Y-%m-%d %H:%M:%SZ} {failure.failure.value}{detail}")
