"""Makes a running campaign match a definition, which is checked, stored as a proposal with its
recipients, and applied by the campaign's workflow in one transaction.

The recipients are written as those of an addition are, under a launch number that nothing reads;
once the revision is applied they are merged into the roster in short transactions, whoever does it.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session

from outdial.contracts.messages import ApplyRequest
from outdial.dispatch.campaigns import update_campaign
from outdial.dispatch.errors import UpdateRefused, WorkflowNotFound
from outdial.domain.canary.record import CanaryRecord
from outdial.domain.decision.earliest import never_by_dates
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference, Effect, differences, immutable
from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.yaml.source_map import SourceMap
from outdial.resources.resources import Resources
from outdial.services.accounts.quotas import spend
from outdial.services.accounts.rights import require_for_definition
from outdial.services.campaigns.canaries import find_running, require_comparable, require_share
from outdial.services.campaigns.launching import require_carried, require_risks
from outdial.services.campaigns.rerendering import stage_rendered
from outdial.services.campaigns.revisions import on_present_lines, require_definition
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.campaigns.staging import (
    Progress,
    StagingWriter,
    given_up_on_error,
    move_accepted,
    remove_refused,
)
from outdial.services.errors import ChangeRefused, PreconditionFailed, RequestRefused
from outdial.services.operations.lines import announce_lines
from outdial.services.operations.reading import require_campaign
from outdial.services.webhooks.endpoints import campaign_endpoints, check_targets
from outdial.store.campaign import proposals, revisions
from outdial.store.campaign.canary_changes import NewCanary
from outdial.store.campaign.proposals import Proposal
from outdial.store.campaign.revisions import RevisionNote
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.errors import CampaignEnded, DatabaseUnavailable, StoreError
from outdial.store.roster import merging, staging
from outdial.store.roster.merging import RosterComparison
from outdial.store.roster.requeue import FROM_THE_START
from outdial.store.roster.rows import ReadSoFar, note_progress

SIGN_OF_LIFE_EVERY = timedelta(seconds=5)
_NOTHING = "nothing differs from the campaign"
_NOTHING_CODE = "nothing_differs"


@dataclass(frozen=True)
class Applied:
    """What came of it."""

    campaign: CampaignRecord
    before: int
    """The revision before; that of the campaign where nothing differs."""
    differences: tuple[Difference, ...]
    roster: RosterComparison
    mode: RosterMode
    noted_only: bool = False
    """No workflow is running: it takes effect when the campaign runs again."""
    canary: CanaryRecord | None = None
    """It is tried on some recipients first: the campaign stays at its revision meanwhile."""

    @property
    def changed(self) -> bool:
        return self.campaign.revision != self.before or self.canary is not None

    @property
    def removed(self) -> int:
        """How many people are removed."""
        return self.roster.missing if self.mode is RosterMode.MATCH else 0


@dataclass(frozen=True)
class _Change:
    """A definition that was checked against the campaign's present revision."""

    record: CampaignRecord
    present: CampaignDefinition
    loaded: LoadedDefinition
    differing: tuple[Difference, ...]
    note: RevisionNote
    running: CanaryRecord | None = None
    """The canary that runs, which ends with the change."""
    canary: NewCanary | None = None
    """The change is tried on some recipients first."""

    @property
    def needless(self) -> bool:
        """Whether nothing but the recipients could have to be changed."""
        return not self.differing and self.running is None

    @property
    def renders(self) -> bool:
        return self.present.variables != self.loaded.definition.variables


async def apply_definition(
    ctx: Resources,
    loaded: LoadedDefinition,
    *,
    name: str | None = None,
    mode: RosterMode = RosterMode.ADD,
    reason: str | None = None,
    expected: int | None = None,
    scopes: tuple[str, ...] | None = None,
    live: bool = True,
    progress: Progress | None = None,
    public_id: str | None = None,
    canary: float | None = None,
) -> Applied:
    """Make the campaign of a name, by default the definition's own, match the definition.

    `public_id` is that of the recipients while they are staged. With `expected`, only from that
    revision. Without `live`, no engine runs: it is stored, and
    takes effect when one starts. With `canary`, a share, only that share of the recipients gets
    it, until it is promoted or taken back; the recipients of the definition are not read then.
    Where nothing differs, nothing is done. Raises NoSuchCampaign,
    DefinitionInvalid with the place of each key that can't be changed, ChangeRefused,
    PreconditionFailed, ScopeMissing, UnknownLine, RequestRefused, QuotaUsedUp, StagingEnded,
    TemporalUnavailable, WorkerTimeout: then nothing was changed.
    """
    record = await require_campaign(ctx, name or loaded.definition.name)
    if canary is not None:
        require_share(canary)
        if mode is RosterMode.MATCH:
            raise RequestRefused("a canary adds and removes nobody; leave `match` out")
        mode = RosterMode.KEEP
    note = RevisionNote(ctx.author, reason)
    change = await _checked(ctx, record, loaded, expected, scopes, note, canary)
    return await _apply(ctx, change, mode, live=live, progress=progress, public_id=public_id)


async def roll_back(
    ctx: Resources,
    name: str,
    revision: int | None = None,
    *,
    reason: str | None = None,
    expected: int | None = None,
    scopes: tuple[str, ...] | None = None,
    live: bool = True,
) -> Applied:
    """Apply the definition of an earlier revision again, by default that before the present one in
    the same launch; while a canary runs, by default it is taken back.

    Nobody is added or removed. Raises NotFound, and what `apply_definition` does.
    """
    record = await require_campaign(ctx, name)
    target = await _revision_before(ctx, record) if revision is None else revision
    definition = await require_definition(ctx, record, target)
    text = await ctx.database.read(lambda s: revisions.source_at(s, record.id, target))
    file = f"revision {target} of {name}"
    loaded = LoadedDefinition(definition, None, text or "", file, None, SourceMap(file, None))
    note = RevisionNote(ctx.author, reason, restores=target)
    change = await _checked(ctx, record, loaded, expected, scopes, note)
    return await _apply(ctx, change, RosterMode.KEEP, live=live)


async def _revision_before(ctx: Resources, record: CampaignRecord) -> int:
    """What a rollback goes back to. Raises ChangeRefused."""
    running = await find_running(ctx, record)
    if running is not None:
        return running.base_revision
    before = await ctx.database.read(lambda s: revisions.revision_before(s, record))
    if before is None:
        raise ChangeRefused(
            f"{record.name} is at the first revision of this launch; to go back to one of an "
            "earlier launch, give its number"
        )
    return before


async def _checked(
    ctx: Resources,
    record: CampaignRecord,
    loaded: LoadedDefinition,
    expected: int | None,
    scopes: tuple[str, ...] | None,
    note: RevisionNote,
    canary: float | None = None,
) -> _Change:
    """Check everything but the recipients."""
    if expected is not None and expected != record.revision:
        raise PreconditionFailed("campaign", record.revision)
    try:
        staging.require_open(record, record.launch)
    except CampaignEnded as error:
        raise ChangeRefused(str(error)) from error
    present = await require_definition(ctx, record, record.revision)
    loaded = on_present_lines(loaded, present)
    differing = differences(present, loaded.definition)
    _require_mutable(loaded, differing)
    new = None
    if canary is not None:
        differing = tuple(each for each in differing if each.effect is not Effect.ROSTER)
        require_comparable(loaded, differing)
        new = NewCanary(canary, secrets.token_hex(8))
    await require_for_definition(ctx, scopes, loaded.definition)
    require_carried(ctx, loaded)
    await check_targets(ctx, loaded.definition)
    rulebook: Rulebook = await ctx.database.read(
        lambda s: read_rulebook(s, ctx.tenant, ctx.clock())
    )
    require_risks(loaded, rulebook)
    if loaded.definition.schedule != present.schedule:
        _require_dates(ctx, record, loaded)
    await announce_lines(ctx)
    running = await find_running(ctx, record)
    return _Change(record, present, loaded, differing, note, running, new)


def _require_dates(ctx: Resources, record: CampaignRecord, loaded: LoadedDefinition) -> None:
    """Who is ended by the dates of a schedule stays ended under the next one."""
    never = never_by_dates(loaded.definition, ctx.clock())
    if never is not None:
        raise ChangeRefused(f"nobody of {record.name} could be called any more: {never.text}")


def _require_mutable(loaded: LoadedDefinition, differing: tuple[Difference, ...]) -> None:
    """Raises DefinitionInvalid with each key that can't be changed."""
    problems = [
        loaded.source_map.problem(
            tuple(each.path.split(".")),
            "immutable",
            f"found {each.after}, but the campaign was launched with {each.before}, which can't be "
            "changed; launch it under another name instead",
        )
        for each in immutable(differing)
    ]
    if problems:
        raise DefinitionInvalid(problems)


async def _apply(
    ctx: Resources,
    change: _Change,
    mode: RosterMode,
    *,
    live: bool,
    progress: Progress | None = None,
    public_id: str | None = None,
) -> Applied:
    if mode is not RosterMode.KEEP or change.renders:
        own_id = public_id or uuid.uuid4().hex
        return await _apply_staged(ctx, change, mode, own_id, live=live, progress=progress)
    if change.needless:
        return _unchanged(change, RosterComparison(), mode)
    record, noted = await _submit(ctx, change, None, RosterComparison(), mode, live=live)
    return Applied(
        record,
        change.record.revision,
        change.differing,
        RosterComparison(),
        mode,
        noted_only=noted,
        canary=None if change.canary is None else await find_running(ctx, record),
    )


async def _apply_staged(
    ctx: Resources,
    change: _Change,
    mode: RosterMode,
    own_id: str,
    *,
    live: bool,
    progress: Progress | None,
) -> Applied:
    """Apply a revision with its recipients, or with variables that are rendered again."""
    begun = await ctx.database.write(
        lambda s: staging.begin_addition(s, change.record.id, own_id, now=ctx.clock(), merges=True)
    )
    if progress is not None:
        progress(begun)
    async with given_up_on_error(ctx, begun):
        if mode is RosterMode.KEEP:
            written = await stage_rendered(ctx, change.record, begun, change.present, change.loaded)
        else:
            writer = StagingWriter(ctx, begun, change.record.plan.line, progress)
            written = await writer.write(change.loaded)
        roster = await _compare(ctx, change.record, begun, written)
        removes = mode is RosterMode.MATCH and roster.missing
        if change.needless and not (roster.added or roster.changed or removes):
            await _give_up(ctx, begun)
            return _unchanged(change, roster, mode)
        record, noted = await _submit(ctx, change, begun, roster, mode, live=live)
    await move_accepted(ctx, begun)
    return Applied(record, change.record.revision, change.differing, roster, mode, noted_only=noted)


def _unchanged(change: _Change, roster: RosterComparison, mode: RosterMode) -> Applied:
    return Applied(change.record, change.record.revision, (), roster, mode)


async def _compare(
    ctx: Resources, record: CampaignRecord, of: StagingRecord, written: int
) -> RosterComparison:
    """Compare the staged rows with the launch's recipients, in short transactions."""
    total, shown = RosterComparison(), ctx.clock()
    database = ctx.database
    for run, compare, start in (
        (database.write_in_turn, merging.compare_rows, -1),
        (database.read, merging.count_missing, FROM_THE_START),
    ):
        position: int | None = start
        while position is not None:
            at = position
            part, position = await run(
                lambda s, compare=compare, at=at: compare(s, record, of, at)  # type: ignore[misc]
            )
            total += part
            now = ctx.clock()
            if now - shown >= SIGN_OF_LIFE_EVERY:
                shown = now
                await ctx.database.write(
                    lambda s, now=now: note_progress(s, of, ReadSoFar(written), now=now)  # type: ignore[misc]
                )
    return total


async def _give_up(ctx: Resources, of: StagingRecord) -> None:
    now = ctx.clock()
    await ctx.database.write(
        lambda s: staging.refuse(s, of, now=now, error=_NOTHING, code=_NOTHING_CODE)
    )
    await remove_refused(ctx, of)


async def _submit(
    ctx: Resources,
    change: _Change,
    of: StagingRecord | None,
    roster: RosterComparison,
    mode: RosterMode,
    *,
    live: bool,
) -> tuple[CampaignRecord, bool]:
    """Store the proposal, and have the campaign's workflow apply it; the campaign, and whether it
    was only noted."""
    record, now = change.record, ctx.clock()
    removes = mode is RosterMode.MATCH and roster.missing > 0
    definition = change.loaded.definition
    proposal = Proposal(
        id=uuid.uuid4().hex,
        campaign_id=record.id,
        revision=record.revision,
        definition=definition,
        source_text=change.loaded.source_text,
        endpoints=tuple(campaign_endpoints(ctx, record.id, definition)),
        note=replace(change.note, added=roster.added, removed=roster.missing if removes else 0),
        staging_id=None if of is None else of.id,
        canary=change.canary,
        by=ctx.operator,
    )

    def propose(s: Session) -> None:
        if of is not None and staging.has_other_additions(s, of):
            raise ChangeRefused(
                f"other recipients of {record.name} are being added; apply it when they are"
            )
        proposals.propose(s, proposal, removes=removes, now=now)
        spend(s, ctx, roster.added, now)

    await ctx.database.write(propose)
    noted_only = not live
    try:
        if live:
            noted_only = not await _update(ctx, record, proposal)
        if noted_only:
            await _apply_here(ctx, proposal)
    except BaseException as error:
        if await _withdraw(ctx, proposal) or not isinstance(error, Exception):
            raise
    return await require_campaign(ctx, record.name), noted_only


async def _update(ctx: Resources, record: CampaignRecord, proposal: Proposal) -> bool:
    """Have the campaign's workflow apply it; False if none runs: it was lost, or has not started
    yet."""
    request = ApplyRequest(
        proposal=proposal.id,
        campaign_id=record.id,
        launch=record.launch,
        revision=proposal.revision,
    )
    doing = f"{record.name} was not changed"
    try:
        await update_campaign(
            ctx.temporal, record, "apply", request, doing=doing, update_id=proposal.id
        )
    except WorkflowNotFound:
        return False
    except UpdateRefused as error:
        raise ChangeRefused(str(error)) from error
    return True


async def _apply_here(ctx: Resources, proposal: Proposal) -> None:
    now = ctx.clock()
    try:
        await ctx.database.write(
            lambda s: proposals.apply_proposal(s, proposal.campaign_id, proposal.id, now=now)
        )
    except DatabaseUnavailable:
        raise
    except StoreError as error:
        raise ChangeRefused(str(error)) from error


async def _withdraw(ctx: Resources, proposal: Proposal) -> bool:
    """Withdraw a proposal after an error, so that a worker that comes later applies nothing that
    was reported as not applied; False if it was applied, and only the answer was lost."""
    try:
        return await asyncio.shield(
            ctx.database.write(
                lambda s: proposals.withdraw_proposal(s, proposal.campaign_id, proposal.id)
            )
        )
    except DatabaseUnavailable:
        return True
