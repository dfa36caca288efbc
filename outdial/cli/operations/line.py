"""`outdial lines` and `outdial line check`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import NothingYet, reading_records, running_here
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, new_table, print_table, say, until, words
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.status import FailureClass
from outdial.domain.definition.fields import format_duration
from outdial.providers.errors import ProviderError
from outdial.providers.lines import Line
from outdial.providers.port import Capabilities
from outdial.runtime.lines import build_line
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.addresses import settings_of_launch
from outdial.services.operations import reading
from outdial.services.operations.line_view import LineState, LineView

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(name="line", help="Check a line.", no_args_is_help=True)

_REMEDIES = {
    FailureClass.MISCONFIGURED: "check its credentials, base_url and options",
    FailureClass.THROTTLED: "too many requests just now; try again later",
    FailureClass.UNAVAILABLE: "check base_url and the network, or try again later",
}


def lines(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show the state of the lines.

    A line is `in service`; `resting`, with no calls placed on it after too many failures; or
    `trying`, with one call under way to see whether it works again. Shows why, and the latest
    failures.
    """
    run(_lines(settings_or_fail(), as_json=as_json))


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The line's name.", show_default=False)],
) -> None:
    """Check a line's credentials, and that its provider can be reached. No call is placed.

    Prints what the provider can and cannot do.

    Exit code: 0 the line can place calls, 1 it can't.
    """
    run(_check(settings_or_fail(), name))


async def _lines(settings: Settings, *, as_json: bool) -> int:
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
    if view.state is LineState.IN_SERVICE:
        return
    say(f"{view.name} is {words(view.state)}: {view.reason}")
    for failure in view.failures:
        detail = f": {failure.detail}" if failure.detail else ""
        say(f"  {failure.at:%Y-%m-%d %H:%M:%SZ} {failure.failure.value}{detail}")


async def _check(settings: Settings, name: str) -> int:
    running = await running_here(settings)
    line = build_line(running or settings_of_launch(settings), name)
    print_table(_table(line))
    try:
        if running is None and line.simulated and not _has_own_network(settings, name):
            fail(
                f"line {name}: the simulated network is not running; `outdial up` or "
                "`outdial launch` starts it"
            )
        answer = await line.provider.check()
    except ProviderError as error:
        fail(f"{error}; {_REMEDIES.get(error.failure, 'try again later')}")
    finally:
        await line.provider.aclose()
    say(answer)
    return OK


def _has_own_network(settings: Settings, name: str) -> bool:
    configured = settings.lines.get(name)
    return configured is not None and configured.base_url is not None


def _table(line: Line) -> Table:
    able, policy = line.provider.capabilities, line.policy
    table = new_table(line.name, line.provider.name, "")
    for what, can, note in _abilities(able):
        table.add_row(what, "yes" if can else "no", note, style=None if can else "yellow")
    for what, given, allowed in (
        ("calls per second", policy.per_second, able.calls_per_second),
        ("calls at once", policy.max_concurrent, able.concurrent_calls),
    ):
        default = "" if allowed is None else f"an account has {allowed:.3g} unless it was raised"
        table.add_row(what, f"{given:.3g}", default)
    return table


def _abilities(able: Capabilities) -> list[tuple[str, bool, str]]:
    lag, window = able.listing_lag, able.idempotency_window
    lagging = f"reliably after {format_duration(lag)}" if lag > timedelta(0) else ""
    if lag >= timedelta(days=1):
        lagging = "a call that is not listed may exist"
    kept = "" if window is None else f"for {format_duration(window)}"
    unbounded = "nothing ends a call that goes on; limit its duration in the agent there"
    return [
        ("looks up a call", able.can_look_up, ""),
        ("finds a call after a lost response", able.can_find, lagging if able.can_find else ""),
        ("hangs up", able.can_end, ""),
        ("enforces max_duration", able.bounds_duration, unbounded if able.unbounded else ""),
        ("reports ringing", able.reports_ringing, ""),
        ("sends webhooks", able.sends_webhooks, ""),
        ("sends an analysis after the call", able.sends_analysis, ""),
        ("recognizes a repeated request", able.idempotent_create, kept),
        ("returns our call id", able.echo is not None, able.echo or ""),
    ]
