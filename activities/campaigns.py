"""Activities of a campaign: enrol, claim, change its state, finish it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeat import heartbeating
from activities.measuring import EMPTY_SLOTS
from outdial.contracts.signatures.campaign import (
    AddInput,
    AdditionRefused,
    ApplyInput,
    CampaignActivities,
    CampaignRef,
    ClaimInput,
    Enrolled,
    EnrollInput,
    Finish,
    Signalled,
    StateInput,
    StateResult,
)
from outdial.dispatch.settlements import propagate_settlement
from outdial.dispatch.signals import signal_hang_up, signal_requester, wake_campaign
from outdial.domain.call.claim import Claim
from outdial.domain.definition.fields import describe_value
from outdial.domain.line.routing import UnknownLine
from outdial.domain.operator import THROUGH_TEMPORAL, Action, Operation
from outdial.domain.record import Progress, StagingRecord
from outdial.domain.rules.location import locate
from outdial.metrics.calls import CLAIM_SECONDS, DECISIONS
from outdial.resources.resources import Resources
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.proposals import apply_proposal
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.claims import leases, reservation
from outdial.store.claims.result import ClaimResult
from outdial.store.compliance.operator_log import note_operation
from outdial.store.db.errors import (
    CampaignEnded,
    DatabaseUnavailable,
    IllegalTransition,
    StoreError,
)
from outdial.store.roster import roster
from outdial.store.roster.flip import add_at_once, move_some, moving_additions
from outdial.store.roster.staging import find_staging

ADDITIONS = uuid.UUID("5f0c6a7e-3b0e-4b58-9d3f-6f1f3c1d2a44")
"""The namespace of the ids of additions that came as updates."""


FileAdder = Callable[[int, Path, Iterator[str]], Awaitable[None]]
"""Adds the contact file at a path to a campaign, once for all tries, which have public ids: this
one's first, then those of the tries before it, the newest first. Raises AdditionRefused."""


class Campaigns(CampaignActivities):
    """Activities of CampaignWorkflow on its roster and calls."""

    def __init__(self, resources: Resources, add_file: FileAdder | None = None) -> None:
        self._resources = resources
        self._add_file_once = add_file

    @activity.defn(name="enroll_recipients")
    async def enroll_recipients(self, enroll: EnrollInput) -> Enrolled:
        done = activity.info().heartbeat_details
        after, rows = (int(done[0]), int(done[1])) if done else (-1, 0)
        return await self.enroll_staged(enroll, after, rows, activity.heartbeat)

    async def enroll_staged(
        self,
        enroll: EnrollInput,
        after: int = -1,
        rows: int = 0,
        progressed: Callable[[int, int], None] = lambda _after, _rows: None,
    ) -> Enrolled:
        """Give accepted additions to the launch, and enrol the staged chunks behind a sequence
        number; `rows` were enrolled before."""
        database = self._resources.database
        campaign = await database.read(lambda s: require_campaign(s, enroll.campaign_id))
        for addition in await database.read(lambda s: moving_additions(s, campaign.id)):
            while moved := await self._move_some(addition):
                rows += moved
                progressed(after, rows)
        while True:
            now = self._resources.clock()
            chunk = await roster.enroll_next(database, campaign, enroll.launch, after, now=now)
            if chunk is None:
                break
            after, new = chunk
            rows += new
            progressed(after, rows)
        await database.write(lambda s: roster.mark_enrolled(s, enroll.campaign_id, enroll.launch))
        return Enrolled(rows=rows)

    async def _move_some(self, addition: StagingRecord) -> int:
        now = self._resources.clock()
        return await self._resources.database.write_in_turn(
            lambda s: move_some(s, addition, now=now, by_workflow=True)
        )

    @activity.defn(name="claim_calls")
    async def claim_calls(self, claim: ClaimInput) -> Claim:
        if claim.linger:
            await asyncio.sleep(self._resources.claim_linger.total_seconds())
        now = self._resources.clock()

        def work(s: Session) -> tuple[ClaimResult, bool]:
            result = reservation.claim_calls(
                s, claim.campaign_id, claim.key, now=now, limit=claim.limit
            )
            return result, roster.has_staged(s, claim.campaign_id)

        with CLAIM_SECONDS.time():
            result, staged = await self._resources.database.write(work)
        EMPTY_SLOTS.fill(result.claim.calls)
        for (decision, reason), count in result.reasons.items():
            DECISIONS.labels(decision, reason).inc(count)
        for settled in result.settled:
            await propagate_settlement(
                self._resources.database, self._resources.temporal, settled, now
            )
        # One that is not woken claims again by itself, within seconds.
        await asyncio.gather(
            *(wake_campaign(self._resources.temporal, workflow) for workflow in result.offered)
        )
        for ended in result.ended:
            if ended.requester_workflow_id is not None:
                await signal_requester(self._resources.temporal, ended.requester_workflow_id)
        return result.claim.model_copy(update={"staged": True}) if staged else result.claim

    @activity.defn(name="set_campaign_state")
    async def set_campaign_state(self, change: StateInput) -> StateResult:
        now = self._resources.clock()
        try:
            record = await self._resources.database.write(
                lambda s: set_campaign_state(
                    s,
                    change.campaign_id,
                    change.state,
                    now=now,
                    hang_up=change.hang_up,
                    reason=change.reason,
                    by=change.by or THROUGH_TEMPORAL,
                )
            )
        except IllegalTransition as error:
            raise ApplicationError(
                str(error), type="IllegalTransition", non_retryable=True
            ) from error
        return StateResult(state=record.state, revision=record.revision)

    @activity.defn(name="apply_revision")
    async def apply_revision(self, apply: ApplyInput) -> StateResult:
        now = self._resources.clock()
        try:
            record = await self._resources.database.write(
                lambda s: apply_proposal(s, apply.campaign_id, apply.proposal, now=now)
            )
        except DatabaseUnavailable:
            raise
        except (StoreError, UnknownLine) as error:
            kind = type(error).__name__
            raise ApplicationError(str(error), type=kind, non_retryable=True) from error
        return StateResult(state=record.state, revision=record.revision)

    @activity.defn(name="finish_campaign")
    async def finish_campaign(self, campaign: CampaignRef) -> Finish:
        now = self._resources.clock()
        record = await self._resources.database.write(
            lambda s: finish_campaign(s, campaign.campaign_id, now=now)
        )
        if record is None or not record.state.over:
            return Finish(over=False, look_again=True)
        return Finish(over=True, progress=await self.read_progress(campaign))

    @activity.defn(name="add_recipients")
    async def add_recipients(self, add: AddInput) -> Enrolled:
        # Of an earlier version, it says that an execution that died had staged them.
        if add.recipients and not activity.info().heartbeat_details:
            await self._add(add)
        if add.file is not None:
            await self._add_file(add.campaign_id, add.file)
        return await self.enroll_recipients(
            EnrollInput(campaign_id=add.campaign_id, launch=add.launch)
        )

    async def _add(self, add: AddInput) -> None:
        """Add them once, however often the activity is executed."""
        info, now = activity.info(), self._resources.clock()
        public_id = uuid.uuid5(ADDITIONS, f"{info.workflow_run_id}/{info.activity_id}").hex
        database = self._resources.database
        campaign = await database.read(lambda s: require_campaign(s, add.campaign_id))
        zone = campaign.plan.schedule.time_zone
        located = await asyncio.to_thread(locate, add.recipients, zone)
        drafts = [draft for draft, _ in located]

        def work(s: Session) -> None:
            if find_staging(s, campaign.tenant, public_id) is None:
                add_at_once(s, campaign.id, public_id, drafts, now=now)
                added = Operation(
                    Action.ADD, f"campaign/{campaign.name}", details={"recipients": len(drafts)}
                )
                note_operation(s, campaign.tenant, THROUGH_TEMPORAL, added, now=now)

        try:
            await database.write(work)
        except CampaignEnded as error:
            raise ApplicationError(str(error), type="CampaignEnded", non_retryable=True) from error

    async def _add_file(self, campaign_id: int, name: str) -> None:
        info, folder = activity.info(), self._resources.campaigns_dir.resolve()
        tries = (
            uuid.uuid5(ADDITIONS, f"{info.workflow_run_id}/{info.activity_id}/{attempt}").hex
            for attempt in range(info.attempt, 0, -1)
        )
        assert self._add_file_once is not None, "a worker adds files"
        try:
            path = _within(folder, name)
            async with heartbeating():
                await self._add_file_once(campaign_id, path, tries)
        except AdditionRefused as error:
            raise ApplicationError(
                str(error), type="AdditionRefused", non_retryable=True
            ) from error

    @activity.defn(name="hang_up_calls")
    async def hang_up_calls(self, campaign: CampaignRef) -> Signalled:
        live = await self._resources.database.read(
            lambda s: leases.calls_in_flight(s, campaign.campaign_id)
        )
        signalled = await asyncio.gather(
            *(signal_hang_up(self._resources.temporal, call.workflow_id) for call in live)
        )
        if not all(signalled):
            raise ApplicationError("not every call could be signalled", type="HangUpNotSignalled")
        return Signalled(calls=len(live))

    @activity.defn(name="read_progress")
    async def read_progress(self, campaign: CampaignRef) -> Progress:
        return await self._resources.database.read(lambda s: read_progress(s, campaign.campaign_id))


def _within(folder: Path, name: str) -> Path:
    """The file of a name below a folder. Raises AdditionRefused."""
    try:
        name.encode()  # a lone surrogate could be in no message about the file
        path = (folder / name).resolve()
    except (OSError, RuntimeError, ValueError):
        raise AdditionRefused(f"found {describe_value(name)}, which can be no file") from None
    if not path.is_relative_to(folder):
        raise AdditionRefused(
            f"found {describe_value(name)}, which is not within the worker's campaigns folder"
        )
    return path
