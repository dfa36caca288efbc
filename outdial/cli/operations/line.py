"""`outdial line check`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import running_here
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, new_table, print_table, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from rich.table import Table

    from outdial.providers.lines import Line
    from outdial.providers.port import Capabilities
    from outdial.runtime.settings.settings import Settings

app = typer.Typer(name="line", help="Check a line.", no_args_is_help=True)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="The line's name.", show_default=False)],
) -> None:
    """Check a line's credentials, and that its provider can be reached. No call is placed.

    Prints what the provider can and cannot do.

    Exit code: 0 the line can place calls, 1 it can't.
    """
    run(_check(settings_or_fail(), name))


async def _check(settings: Settings, name: str) -> int:
    from outdial.providers.errors import ProviderError
    from outdial.runtime.doctor.lines import line_remedy
    from outdial.runtime.lines import build_line
    from outdial.runtime.stack.addresses import settings_of_launch

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
        fail(f"{error}; {line_remedy(error)}")
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
    from outdial.domain.definition.fields import format_duration

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
