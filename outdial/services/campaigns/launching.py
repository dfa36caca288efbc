"""Launches a campaign: checks everything, stores it, starts its workflow.

The database comes first. A crash before the workflow starts is repaired by the sweeper, or by
launching once more: the campaign is found running, and its workflow is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.executions import await_closed, describe_execution
from outdial.dispatch.starting import start_campaign
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.endpoint import EventType
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.location import locate
from outdial.domain.rules.rulebook import Rulebook
from outdial.intake.contacts.roster import check_roster, read_roster
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.accounts.quotas import spend
from outdial.services.accounts.rights import require_for_definition
from outdial.services.campaigns.forecasting import Forecast
from outdial.services.campaigns.line_check import on_lines, unsupported
from outdial.services.errors import (
    LaunchClosing,
    NoCallableRecipients,
)
from outdial.services.operations.lines import (
    announce_lines,
    left_to_providers,
    simulated_lines,
)
from outdial.services.webhooks.endpoints import campaign_endpoints, check_targets
from outdial.store.campaign import campaigns
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.errors import CampaignRunning
from outdial.store.roster import roster
from outdial.store.webhooks.endpoints import set_campaign_endpoints
from outdial.store.webhooks.outbox import publish_campaign

CLOSE_WITHIN = timedelta(seconds=10)
"""A campaign that is over closes its workflow within one workflow task."""


@dataclass(frozen=True)
class Launch:
    """What a launch led to."""

    campaign: CampaignRecord
    workflow_id: str
    created: bool
    """False: it was running already, and nothing was changed."""
    resumed: bool = False
    """It was stored as running, but had no workflow: it is started now."""
    never: tuple[tuple[int, str], ...] = ()
    """How many recipients can never be called, and why."""
    end_early: tuple[tuple[int, str], ...] = ()
    """How many recipients end before all their attempts are made, and why."""
    notes: tuple[str, ...] = ()
    """What its lines will not do, in words."""


@dataclass(frozen=True)
class StoredLaunch:
    """A campaign that is stored as running, and what its rules forecast."""

    record: CampaignRecord
    forecast: Forecast


async def launch_campaign(
    ctx: Resources,
    loaded: LoadedDefinition,
    *,
    again: bool = False,
    scopes: tuple[str, ...] | None = None,
) -> Launch:
    """Launch a definition, unless it runs already.

    `scopes` are those of the key that sent it; without, it is the operator's own. Raises
    ScopeMissing, and what `store_launch` does.
    """
    try:
        stored = await store_launch(ctx, loaded, again=again, scopes=scopes)
    except CampaignRunning as running:
        return await _join(ctx, running.record)
    record, forecast = stored.record, stored.forecast
    await _start(ctx, record)
    return Launch(
        record,
        _workflow_id(record),
        created=True,
        never=tuple(forecast.never()),
        end_early=tuple(forecast.end_early()),
        notes=(*simulated_lines(ctx, record.plan), *left_to_providers(ctx, record.plan)),
    )


async def store_launch(
    ctx: Resources,
    loaded: LoadedDefinition,
    *,
    again: bool,
    scopes: tuple[str, ...] | None = None,
    requester: str | None = None,
) -> StoredLaunch:
    """Check everything, and store the campaign as running; its workflow is to be started.

    `requester` is the workflow run that asks for it; each of them launches once.

    Raises DefinitionInvalid with every problem of the roster, UnknownLine, CampaignEnded (it
    needs `again`), CampaignRunning, PurposeChanged, ReservedName, NoCallableRecipients,
    LaunchClosing, RequestRefused, TemporalUnavailable. Unless the last is raised, a refused
    launch leaves nothing behind.
    """
    loaded = on_lines(ctx.lines.of_tenant(ctx.tenant), loaded)
    await require_for_definition(ctx, scopes, loaded.definition)
    _require_carried(ctx, loaded)
    await check_targets(ctx, loaded.definition)
    checked = await asyncio.to_thread(check_roster, loaded)
    checked.require_good()
    await announce_lines(ctx)
    if again:
        await _until_closed(ctx, loaded.definition.name)
    return await _store(ctx, loaded, again=again, requester=requester)


def _require_carried(ctx: Resources, loaded: LoadedDefinition) -> None:
    """Every line is configured, and hands on everything that was written.

    Raises UnknownLine, DefinitionInvalid.
    """
    lines = ctx.lines.of_tenant(ctx.tenant)
    for name in loaded.definition.lines:
        lines[name]
    problems = unsupported(lines, loaded)
    if problems:
        raise DefinitionInvalid(problems)


async def _store(
    ctx: Resources, loaded: LoadedDefinition, *, again: bool, requester: str | None
) -> StoredLaunch:
    """The campaign and its whole roster, in one transaction: all of it or nothing."""
    now = ctx.clock()

    def work(s: Session) -> StoredLaunch:
        rulebook = read_rulebook(s, ctx.tenant, now)
        _require_risks(loaded, rulebook)
        launched = campaigns.launch_campaign(
            s,
            ctx.tenant,
            loaded.definition,
            loaded.source_text,
            now=now,
            again=again,
            requester=requester,
        )
        record = launched.record
        forecast = Forecast(record.plan, rulebook, now)
        roster.stage_roster(s, record.id, record.launch, _counted(read_roster(loaded), forecast))
        spend(s, ctx, forecast.recipients, now)
        never = tuple(forecast.never())
        if forecast.recipients and sum(count for count, _ in never) == forecast.recipients:
            raise NoCallableRecipients(record.name, never)
        endpoints = campaign_endpoints(ctx, record.id, loaded.definition)
        set_campaign_endpoints(s, record.id, endpoints, now=now)
        publish_campaign(s, record, EventType.CAMPAIGN_STARTED, now=now)
        return StoredLaunch(record, forecast)

    return await ctx.database.write(work)


def _counted(drafts: Iterable[RecipientDraft], forecast: Forecast) -> Iterator[RecipientDraft]:
    for draft in drafts:
        [(_, kind)] = locate([draft], forecast.plan.schedule.time_zone)
        forecast.add({kind: 1})
        yield draft


def _require_risks(loaded: LoadedDefinition, rulebook: Rulebook) -> None:
    """An accepted risk that names no rule would have no effect, unnoticed."""
    for index, risk in enumerate(loaded.definition.accept_risk):
        if not rulebook.has(risk.rule):
            message = f"found {risk.rule!r}, which is no rule; `outdial rules` lists those in force"
            raise DefinitionInvalid(
                [loaded.source_map.problem(("accept_risk", index, "rule"), "unknown_rule", message)]
            )


async def _join(ctx: Resources, record: CampaignRecord) -> Launch:
    runs = await _is_running(ctx, record)
    if not runs:
        await _start(ctx, record)
    return Launch(record, _workflow_id(record), created=False, resumed=not runs)


async def _start(ctx: Resources, record: CampaignRecord) -> None:
    """Start the campaign's workflow unless it runs."""
    await start_campaign(ctx.temporal, record)


async def _until_closed(ctx: Resources, name: str) -> None:
    """Wait until the workflow of the previous launch has closed, so that the new one can start."""
    record = await ctx.database.read(lambda s: campaigns.find_campaign(s, ctx.tenant, name))
    if record is None or not record.state.over:
        return
    try:
        if await _is_running(ctx, record):
            async with asyncio.timeout(CLOSE_WITHIN.total_seconds()):
                doing = f"nothing was done about {name}"
                await await_closed(ctx.temporal, _workflow_id(record), doing=doing)
    except TimeoutError:
        raise LaunchClosing(name) from None


async def _is_running(ctx: Resources, record: CampaignRecord) -> bool:
    doing = f"nothing was done about {record.name}"
    return (await describe_execution(ctx.temporal, _workflow_id(record), doing=doing)).open


def _workflow_id(record: CampaignRecord) -> str:
    return campaign_workflow_id(record.tenant, record.name)
