"""Campaigns that another service runs through Temporal, launched as by API or command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from outdial.contracts.signatures.launch import LaunchedCampaign, LaunchRefused
from outdial.domain.line.routing import UnknownLine
from outdial.domain.operator import LONGEST_AUTHOR, TEMPORAL, Operator
from outdial.domain.record import CampaignRecord
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.campaigns.launching import StoredLaunch, store_launch
from outdial.services.errors import (
    NoCallableRecipients,
    RequestRefused,
    ScopeMissing,
    recipients,
)
from outdial.services.operations.lines import left_to_providers, simulated_lines
from outdial.store.campaign.campaigns import launch_of_requester
from outdial.store.db.errors import CampaignEnded, CampaignRunning, PurposeChanged, ReservedName

_REFUSALS = (
    DefinitionInvalid,
    UnknownLine,
    CampaignEnded,
    PurposeChanged,
    ReservedName,
    NoCallableRecipients,
    RequestRefused,
    ScopeMissing,
)
"""Whatever else is raised may be gone at the next try."""


class AwaitedLaunches:
    """Launches for the activity of a `RunCampaignWorkflow`, which carries the campaign out."""

    def __init__(self, ctx: Resources) -> None:
        self._ctx = ctx

    async def __call__(
        self,
        tenant: str,
        loaded: LoadedDefinition,
        again: bool,
        requester: str,
        scopes: tuple[str, ...] | None = None,
    ) -> LaunchedCampaign:
        """Raises LaunchRefused, Collision, LaunchClosing, TemporalRefused, TemporalUnavailable."""
        workflow = f"workflow {requester.rpartition('/')[0]}"[:LONGEST_AUTHOR]
        by = Operator(door=TEMPORAL, author=workflow)
        ctx = replace(self._ctx, tenant=tenant, operator=by)
        earlier = await _earlier_try(ctx, loaded, requester)
        if earlier is not None:
            return earlier
        try:
            stored = await store_launch(
                ctx, loaded, again=again, scopes=scopes, requester=requester
            )
        except CampaignRunning as running:
            # An earlier try was still storing it, or another requester runs it.
            earlier = await _earlier_try(ctx, loaded, requester)
            return earlier or _launched(running.record)
        except _REFUSALS as error:
            raise LaunchRefused(str(error)) from error
        return _launched(stored.record, *_notes(ctx, stored), own=True)


async def _earlier_try(
    ctx: Resources, loaded: LoadedDefinition, requester: str
) -> LaunchedCampaign | None:
    """What an earlier try stored that died before it could answer; it may be over by now."""
    earlier = await ctx.database.read(
        lambda s: launch_of_requester(s, ctx.tenant, loaded.definition.name, requester)
    )
    if earlier is None:
        return None
    record, launch = earlier
    over = record.state.over or record.launch != launch
    return _launched(record, own=True).model_copy(update={"launch": launch, "over": over})


def _notes(ctx: Resources, stored: StoredLaunch) -> Iterator[str]:
    forecast = stored.forecast
    for count, reason in forecast.never():
        yield f"can never be called, {recipients(count)}: {reason}"
    for count, reason in forecast.end_early():
        yield f"will not be called any more, {recipients(count)}, at {reason}"
    yield from simulated_lines(ctx, stored.record.plan)
    yield from left_to_providers(ctx, stored.record.plan)


def _launched(record: CampaignRecord, *notes: str, own: bool = False) -> LaunchedCampaign:
    return LaunchedCampaign(
        tenant=record.tenant,
        name=record.name,
        campaign_id=record.id,
        launch=record.launch,
        foreseen=notes,
        own=own,
    )
