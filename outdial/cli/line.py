"""`outdial lines` and `outdial line check`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from outdial.cli.attachment import NothingYet, looked_at, running_here
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, out, say, until
from outdial.cli.running import run, settings_or_fail
from outdial.domain.call.status import FailureClass
from outdial.domain.definition.fields import format_duration
from outdial.domain.line.breaker import Circuit
from outdial.providers.errors import ProviderError
from outdial.providers.lines import Line
from outdial.providers.port import Capabilities
from outdial.runtime.lines import build_line
from outdial.runtime.settings.settings import Settings
from outdial.services.operations import reading
from outdial.store.lines.lines import LineStatus

app = typer.Typer(name="line", help="Look after a line.", no_args_is_help=True)

_RIGHT = {
    FailureClass.MISCONFIGURED: "check its credentials, base_url and options",
    FailureClass.THROTTLED: "too many requests just now; try again later",
    FailureClass.UNAVAILABLE: "check base_url and the network, or try again later",
}


def lines(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show where lines stand.

    Which take calls and which don't, why, and what went wrong last.
    """
    try:
        run(_lines(settings_or_fail(), as_json=as_json))
    except NothingYet as error:
        if as_json:
            flush_json("[]")
        else:
            say(f"{str(error).capitalize()}. `outdial line check NAME` tries a line.")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The line's name.", show_default=False)],
) -> None:
    """Prove a line's credentials and that its provider can be reached, dialing nobody.

    Prints what the provider can and cannot do.

    Exit code: 0 it can dial, 1 it can't.
    """
    run(_check(settings_or_fail(), name))


async def _lines(settings: Settings, *, as_json: bool) -> int:
    async with looked_at(settings) as at:
        found = await reading.list_lines(at.context)
        now = at.context.clock()
    if as_json:
        flush_json(json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False))
        return OK
    if not found:
        say("No line is known yet; a worker writes down those of its settings when it starts.")
        return OK
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("line", "provider", "state", "in flight", "per second", "next"):
        table.add_column(heading)
    for one in found:
        resting = one.health.circuit is Circuit.OPEN and one.health.retry_at
        table.add_row(
            one.name,
            one.provider,
            one.health.circuit.value,
            f"{one.in_flight} of {one.max_concurrent}",
            f"{one.per_second:.3g}",
            f"tried {until(resting, now)}" if resting else "",
        )
    out.print(table)
    for one in found:
        _say_why(one)
    return OK


def _say_why(line: LineStatus) -> None:
    if line.health.circuit is Circuit.CLOSED:
        return
    say(f"{line.name} takes no calls: {line.health.reason}")
    for failure in line.failures:
        detail = f": {failure.detail}" if failure.detail else ""
        say(f"  {failure.at:%Y-%m-%d %H:%M:%SZ} {failure.failure.value}{detail}")


async def _check(settings: Settings, name: str) -> int:
    running = await running_here(settings)
    line = build_line(running or settings, name)
    out.print(_table(line))
    try:
        said = await line.provider.check()
    except ProviderError as error:
        fail(f"{error}; {_RIGHT.get(error.failure, 'try again later')}")
    finally:
        await line.provider.aclose()
    say(said)
    return OK


def _table(line: Line) -> Table:
    able, policy = line.provider.capabilities, line.policy
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in (line.name, line.provider.name, ""):
        table.add_column(heading)
    for what, can, note in _abilities(able):
        table.add_row(what, "yes" if can else "no", note, style=None if can else "yellow")
    for what, given, allowed in (
        ("calls per second", policy.per_second, able.calls_per_second),
        ("calls at once", policy.max_concurrent, able.concurrent_calls),
    ):
        least = "" if allowed is None else f"an account has {allowed:.3g} unless it was raised"
        table.add_row(what, f"{given:.3g}", least)
    return table


def _abilities(able: Capabilities) -> list[tuple[str, bool, str]]:
    lag, window = able.listing_lag, able.idempotency_window
    lagging = f"for certain after {format_duration(lag)}" if lag > timedelta(0) else ""
    if lag >= timedelta(days=1):
        lagging = "not finding one proves nothing"
    kept = "" if window is None else f"for {format_duration(window)}"
    nobody = "nobody ends a call that goes on; bound it in the agent there"
    return [
        ("tells what became of a call", able.can_look_up, ""),
        ("finds a call whose answer was lost", able.can_find, lagging if able.can_find else ""),
        ("hangs up", able.can_end, ""),
        ("keeps to max_duration", able.bounds_duration, nobody if able.unbounded else ""),
        ("reports ringing", able.reports_ringing, ""),
        ("sends webhooks", able.sends_webhooks, ""),
        ("sends an analysis after the call", able.sends_analysis, ""),
        ("knows a repeated order as such", able.idempotent_create, kept),
        ("gives our id back", able.echo is not None, able.echo or ""),
    ]
