"""`outdial pause`, `resume` and `stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import changing_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.domain.call.claim import CampaignState
    from outdial.runtime.settings.settings import Settings
    from outdial.services.campaigns.control import Changed

ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", help="Why; shown with the campaign's state.", show_default=False),
]


def pause(name: CampaignName, reason: ReasonOption = None) -> None:
    """Place no more calls until `outdial resume`.

    Calls in flight continue.
    """
    from outdial.domain.call.claim import CampaignState

    _run(name, CampaignState.PAUSED, reason=reason)


def resume(name: CampaignName) -> None:
    """Resume a paused campaign."""
    from outdial.domain.call.claim import CampaignState

    _run(name, CampaignState.RUNNING)


def stop(
    name: CampaignName,
    hang_up: Annotated[
        bool,
        typer.Option("--hang-up", help="Hang up calls in flight instead of letting them end."),
    ] = False,
    reason: ReasonOption = None,
) -> None:
    """End a campaign for good.

    No further call is placed. Calls in flight end by themselves, or are hung up with --hang-up.
    """
    from outdial.domain.call.claim import CampaignState

    _run(name, CampaignState.STOPPING, hang_up=hang_up, reason=reason)


def _run(
    name: str, state: CampaignState, *, hang_up: bool = False, reason: str | None = None
) -> None:
    run(_change(settings_or_fail(), name, state, hang_up=hang_up, reason=reason))


async def _change(
    settings: Settings, name: str, state: CampaignState, *, hang_up: bool, reason: str | None
) -> int:
    say(await change_state(settings, name, state, hang_up=hang_up, reason=reason))
    return OK


async def change_state(
    settings: Settings,
    name: str,
    state: CampaignState,
    *,
    hang_up: bool = False,
    reason: str | None = None,
) -> str:
    """Pause, resume or stop a campaign; the outcome in words. Raises what the services raise."""
    from outdial.domain.call.claim import CampaignState
    from outdial.services.campaigns import control

    async with changing_records(settings) as at:
        ctx = at.context
        if not at.live:
            changed = await control.store_state(ctx, name, state, hang_up=hang_up, reason=reason)
        elif state is CampaignState.PAUSED:
            changed = await control.pause(ctx, name, reason=reason)
        elif state is CampaignState.RUNNING:
            changed = await control.resume(ctx, name)
        else:
            changed = await control.stop(ctx, name, hang_up=hang_up, reason=reason)
        return _outcome(name, changed, live=at.live)


def _outcome(name: str, changed: Changed, *, live: bool) -> str:
    text = f"{name} is {changed.state}."
    if not live and not changed.state.over:
        text += " No engine is running; it takes effect when one starts."
    return text
