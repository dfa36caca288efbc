"""Launches a campaign: checks everything, stores it, starts its workflow.

The recipients are written first, in short transactions and under a launch number that nothing
reads; a last one makes that launch the campaign's present one. A crash before it leaves what the
next launch of that name removes, or the maintenance loop. A crash before the workflow starts is
repaired by the sweeper, or by launching once more: the campaign is found running, and its workflow
is started.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.dispatch.executions import await_closed, describe_execution
from outdial.dispatch.starting import start_campaign
from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference
from outdial.domain.endpoint import EventType
from outdial.domain.operator import Action, Operation
from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.resources import Resources
from outdial.services.accounts.quotas import spend
from outdial.services.accounts.rights import require_for_definition
from outdial.services.campaigns.forecasting import Forecast
from outdial.services.campaigns.line_check import on_lines, unsupported
from outdial.services.campaigns.revisions import differences_from_present
from outdial.services.campaigns.staging import (
    Progress,
    StagingWriter,
    clear_abandoned,
    given_up_on_error,
)
from outdial.services.errors import (
    Collision,
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
from outdial.store.compliance.operator_log import note_operation
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.errors import CampaignRunning
from outdial.store.roster import staging
from outdial.store.roster.flip import flip_launch
from outdial.store.webhooks.endpoints import set_campaign_endpoints
from outdial.store.webhooks.outbox import publish_campaign

COMPETING_POLL = timedelta(milliseconds=250)
"""How often a launch looks whether another one of the same name has ended."""
WRITTEN_WITHIN = timedelta(seconds=60)
"""How long a launch waits for another one; longer than it takes to give up a dead one."""
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
    differences: tuple[Difference, ...] = ()
    """What differs from the campaign that is running already; recipients of a file apart."""


@dataclass(frozen=True)
class BegunLaunch:
    """A launch that may go on: its recipients are to be written."""

    loaded: LoadedDefinition
    staging: StagingRecord
    """Its `public_id` is what it is asked for by while it goes on."""
    again: bool
    forecast: Forecast
    """Of nobody yet."""


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
    progress: Progress | None = None,
    public_id: str | None = None,
) -> Launch:
    """Launch a definition, unless it runs already.

    `scopes` are those of the key that sent it; without, it is the operator's own. Raises
    ScopeMissing, and what `store_launch` does.
    """
    try:
        begun = await begin_launch(ctx, loaded, again=again, scopes=scopes, public_id=public_id)
        if progress is not None:
            progress(begun.staging)
        return await finish_launch(ctx, begun, progress=progress)
    except CampaignRunning as running:
        return await _join(ctx, running.record, loaded)


async def finish_launch(
    ctx: Resources, begun: BegunLaunch, *, progress: Progress | None = None
) -> Launch:
    """Carry out a launch that was begun, and start the campaign's workflow.

    Raises what `carry_out` does, and TemporalRefused and TemporalUnavailable: then it is launched,
    and starts by itself later.
    """
    stored = await carry_out(ctx, begun, progress=progress)
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

    `requester` is the workflow run that asks for it; each of them launches once. Raises what
    `begin_launch` and `carry_out` do; a launch that is refused leaves nothing behind.
    """
    begun = await begin_launch(ctx, loaded, again=again, scopes=scopes, requester=requester)
    return await carry_out(ctx, begun)


async def begin_launch(
    ctx: Resources,
    loaded: LoadedDefinition,
    *,
    again: bool,
    scopes: tuple[str, ...] | None = None,
    requester: str | None = None,
    public_id: str | None = None,
) -> BegunLaunch:
    """Check a definition, but for its recipients, and that the campaign may be launched now.

    Another launch of the same name is waited for, a minute at most. Raises Collision, UnknownLine,
    CampaignEnded (it needs `again`), CampaignRunning, PurposeChanged, ReservedName,
    DefinitionInvalid, LaunchClosing, RequestRefused, ScopeMissing, TemporalRefused,
    TemporalUnavailable; nothing of it is left then.
    """
    loaded = on_lines(ctx.lines.of_tenant(ctx.tenant), loaded)
    await require_for_definition(ctx, scopes, loaded.definition)
    require_carried(ctx, loaded)
    await check_targets(ctx, loaded.definition)
    now = ctx.clock()
    rulebook = await ctx.database.read(lambda s: read_rulebook(s, ctx.tenant, now))
    require_risks(loaded, rulebook)
    await announce_lines(ctx)
    own_id = public_id or uuid.uuid4().hex
    record = await _begin(ctx, loaded.definition, own_id, again=again, requester=requester)
    forecast = Forecast(CallPlan.of(loaded.definition), rulebook, now)
    return BegunLaunch(loaded, record, again, forecast)


async def _begin(
    ctx: Resources,
    definition: CampaignDefinition,
    public_id: str,
    *,
    again: bool,
    requester: str | None,
) -> StagingRecord:
    def work(s: Session) -> StagingRecord:
        return staging.begin_launch(
            s,
            ctx.tenant,
            definition,
            public_id,
            now=ctx.clock(),
            again=again,
            requester=requester,
        )

    waiting_since = time.monotonic()
    while True:
        if again:
            await _until_closed(ctx, definition.name)
        record = await ctx.database.write(work)
        if record.public_id == public_id:
            return record
        await _until_written(ctx, record, waiting_since)


async def _until_written(ctx: Resources, other: StagingRecord, since: float) -> None:
    """Wait until another launch has ended, or give it up. Raises Collision."""
    while True:
        record = await ctx.database.read(
            lambda s: staging.find_staging(s, ctx.tenant, other.public_id)
        )
        if record is None or not record.unfinished or await clear_abandoned(ctx, record):
            return
        if time.monotonic() >= since + WRITTEN_WITHIN.total_seconds():
            raise Collision(
                f"another launch of {other.campaign} is being written; try again when it has ended"
            )
        await asyncio.sleep(COMPETING_POLL.total_seconds())


async def carry_out(
    ctx: Resources, begun: BegunLaunch, *, progress: Progress | None = None
) -> StoredLaunch:
    """Write the recipients of a launch, and store the campaign as running.

    Raises DefinitionInvalid with every problem of the roster, NoCallableRecipients, QuotaUsedUp,
    StagingEnded; nothing of it is left then.
    """
    record, forecast = begun.staging, begun.forecast
    async with given_up_on_error(ctx, record):
        writer = StagingWriter(ctx, record, forecast.plan.line, progress, forecast.plan)
        written = await writer.write(begun.loaded, lambda chunk: forecast.add(chunk.kinds))
        never = tuple(await asyncio.to_thread(forecast.never))
        if sum(count for count, _ in never) == written:
            raise NoCallableRecipients(record.campaign, never)
        return StoredLaunch(await _flip(ctx, begun, written), forecast)


async def _flip(ctx: Resources, begun: BegunLaunch, recipients: int) -> CampaignRecord:
    """The launch becomes the campaign's present one, in one short transaction."""
    now, definition = ctx.clock(), begun.loaded.definition

    def work(s: Session) -> CampaignRecord:
        record = flip_launch(
            s,
            begun.staging,
            definition,
            begun.loaded.source_text,
            recipients=recipients,
            now=now,
            again=begun.again,
            author=ctx.author,
        )
        endpoints = campaign_endpoints(ctx, record.id, definition)
        set_campaign_endpoints(s, record.id, endpoints, now=now)
        publish_campaign(s, record, EventType.CAMPAIGN_STARTED, now=now)
        spend(s, ctx, recipients, now)
        details = {"launch": record.launch, "revision": record.revision, "recipients": recipients}
        operation = Operation(Action.LAUNCH, f"campaign/{record.name}", details=details)
        note_operation(s, ctx.tenant, ctx.operator, operation, now=now)
        return record

    return await ctx.database.write(work)


def require_carried(ctx: Resources, loaded: LoadedDefinition) -> None:
    """Every line is configured, and hands on everything that was written.

    Raises UnknownLine, DefinitionInvalid.
    """
    lines = ctx.lines.of_tenant(ctx.tenant)
    for name in loaded.definition.lines:
        lines[name]
    problems = unsupported(lines, loaded)
    if problems:
        raise DefinitionInvalid(problems)


def require_risks(loaded: LoadedDefinition, rulebook: Rulebook) -> None:
    """An accepted risk that names no rule would have no effect, unnoticed."""
    for index, risk in enumerate(loaded.definition.accept_risk):
        if not rulebook.has(risk.rule):
            message = f"found {risk.rule!r}, which is no rule; `outdial rules` lists those in force"
            raise DefinitionInvalid(
                [loaded.source_map.problem(("accept_risk", index, "rule"), "unknown_rule", message)]
            )


async def _join(ctx: Resources, record: CampaignRecord, loaded: LoadedDefinition) -> Launch:
    runs = await _is_running(ctx, record)
    if not runs:
        await _start(ctx, record)
    return Launch(
        record,
        _workflow_id(record),
        created=False,
        resumed=not runs,
        differences=await differences_from_present(ctx, record, loaded),
    )


async def _start(ctx: Resources, record: CampaignRecord) -> None:
    """Start the campaign's workflow unless it runs."""
    await start_campaign(ctx.temporal, record)


async def _until_closed(ctx: Resources, name: str) -> None:
    """Wait until the workflow of the previous launch has closed, so that the new one can start."""
    record = await ctx.database.read(lambda s: campaigns.find_campaign(s, ctx.tenant, name))
    if record is None or not record.state.over:
        return
    doing = f"nothing was done about {name}"
    if not await await_closed(ctx.temporal, _workflow_id(record), CLOSE_WITHIN, doing=doing):
        raise LaunchClosing(name)


async def _is_running(ctx: Resources, record: CampaignRecord) -> bool:
    doing = f"nothing was done about {record.name}"
    return (await describe_execution(ctx.temporal, _workflow_id(record), doing=doing)).open


def _workflow_id(record: CampaignRecord) -> str:
    return campaign_workflow_id(record.tenant, record.name)
