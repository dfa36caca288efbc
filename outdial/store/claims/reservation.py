"""Claim: selects recipients and reserves calls within every limit, in one short transaction.

Every transaction locks in this order: the campaign's claim state (so claims of one campaign queue
up), its recipients, lines by name, numbers by hash, and totals of budgets last of all
(`store.budget.totals`). But for these totals, what is guarded is read after it is locked.
Recipients are decided about, and written as decided, before the lines are locked, so campaigns that
share a line wait for each other's reservations alone. Late evidence locks numbers before
recipients: where that makes a deadlock, one of the transactions is repeated. What was decided is
checked once more by what is read under the locks of the numbers, and at the fence.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import RowMapping, bindparam, select, update
from sqlmodel import Session

from outdial.contracts.names import call_workflow_id
from outdial.domain.call.batches import MAX_CALLS, MAX_DECISIONS, MOST_LEFT, NUMBER_RETRY, SLACK
from outdial.domain.call.claim import CampaignState, Claim, ClaimedCall
from outdial.domain.call.lease import lease_duration
from outdial.domain.call.status import CallStatus, Fence
from outdial.domain.decision.decision import Decision, Dial, Ledger, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.endpoint import EventType
from outdial.domain.line.capacity import LINE_RETRY, Allowance, LineCapacity
from outdial.domain.record import CampaignRecord, RecipientState, Settled
from outdial.domain.rules.rulebook import Rulebook
from outdial.store.budget.claiming import (
    CampaignBudget,
    publish_exhaustion,
    read_budget,
    reserve_holds,
)
from outdial.store.call.settlement import settle_overdue
from outdial.store.campaign.campaigns import CampaignSnapshot, next_settlement, read_snapshot
from outdial.store.campaign.canary_changes import judge_canary
from outdial.store.campaign.counts import count_open
from outdial.store.claims.candidates import (
    NOT_CALLED,
    Decided,
    Recipient,
    find_ready,
    read_ledgers,
    scan_due,
    write_decisions,
)
from outdial.store.claims.direct import scan_requests
from outdial.store.claims.limits import campaign_allowance, line_capacity
from outdial.store.claims.line_shares import leave_lines, share_lines
from outdial.store.claims.number_locks import lock_numbers
from outdial.store.claims.ready import needed
from outdial.store.claims.requeue_step import requeue_step
from outdial.store.claims.result import ClaimResult, Reservation
from outdial.store.claims.scan import DueScan
from outdial.store.claims.state import lock_claim_state, save_claim_state
from outdial.store.claims.wakeup import NextWakeup, next_wakeup
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.bulk import NewRows, among, insert_all
from outdial.store.db.dialect import on_postgresql
from outdial.store.db.tables import call, lease, recipient
from outdial.store.lines.health import begin_trial
from outdial.store.records import claimed_call
from outdial.store.roster.requeue import close_some
from outdial.store.webhooks.outbox import publish_requests

OVERDUE = 100
"""Calls settled in one claim without their analysis; more are left to the next one."""
_LINE_BUSY = Reason("line_busy", "the line that is left for this recipient takes no call now")
_NUMBER_BUSY = Reason("number_busy", "another call to this recipient is under way")

_OF_CLAIM = (
    select(call)
    .where(call.c.campaign_id == bindparam("campaign_id"), call.c.claim_key == bindparam("key"))
    .order_by(call.c.id)
)
_CALLED = (
    update(recipient)
    .where(among(recipient.c.id, "ids"), recipient.c.state.in_(NOT_CALLED))
    .values(state=RecipientState.CALLING.value, calls=recipient.c.calls + 1)
)
_SAME_IN_LEASES = frozenset({"campaign_id", "tenant", "acquired_at"})
_SAME_IN_CALLS = frozenset(
    ("tenant", "campaign_id", "campaign", "launch", "claim_key", "status", "fence", "is_attempt")
) | {"created_at", "structured"}


def claim_calls(
    s: Session, campaign_id: int, key: str, *, now: datetime, limit: int = MAX_CALLS
) -> ClaimResult:
    """Settle what is overdue, decide about recipients that are due, and reserve calls for those
    who are ready, up to `limit`; the same key again gives the same calls.

    Raises UnknownCampaign.
    """
    state = lock_claim_state(s, campaign_id)
    if state["canary_id"] is not None and judge_canary(s, campaign_id, state["canary_id"], now=now):
        state = lock_claim_state(s, campaign_id)  # it changed with the revision
    snapshot = read_snapshot(s, campaign_id, key)
    record, in_flight = snapshot.record, snapshot.in_flight
    if snapshot.claimed:
        # What this key would find now is left to the next one, at once.
        rows = s.connection().execute(_OF_CLAIM, {"campaign_id": campaign_id, "key": key})
        again = [claimed_call(row) for row in rows.mappings()]
        wakeup = NextWakeup("claimed before", now)
        return ClaimResult(_claim(s, state, record, again, wakeup, in_flight, now))
    settled, snapshot = _settle(s, snapshot, now)
    if record.state is not CampaignState.RUNNING:
        wakeup = _idle_wakeup(s, snapshot, now)
        offered = leave_lines(s, record, now, stored=state["waits_for_lines"])
        claim = _claim(s, state, record, (), wakeup, in_flight, now)
        return ClaimResult(claim, tuple(settled), offered=tuple(offered))
    wakeup, scan, reservation = _scan_and_reserve(s, state, snapshot, key, limit, now)
    ended = (*scan.ended, *reservation.ended)
    over = [one.recipient_id for one in ended]
    publish_requests(s, record, over, EventType.CALL_FAILED, now=now)
    calls = sorted(reservation.calls, key=attrgetter("call_id"))
    claim = _claim(s, state, record, calls, wakeup, in_flight + len(calls), now)
    claim = claim.model_copy(update={"budget_spent": reservation.budget_spent})
    return ClaimResult(claim, tuple(settled), ended, tuple(reservation.offered), scan.reasons)


def _settle(
    s: Session, snapshot: CampaignSnapshot, now: datetime
) -> tuple[list[Settled], CampaignSnapshot]:
    """Settle calls whose analysis is overdue; the snapshot is updated."""
    if snapshot.settles_at is None or snapshot.settles_at > now:
        return [], snapshot
    campaign_id = snapshot.record.id
    settled = settle_overdue(s, campaign_id, now=now, limit=OVERDUE)
    return settled, replace(snapshot, settles_at=next_settlement(s, campaign_id))


def _idle_wakeup(s: Session, snapshot: CampaignSnapshot, now: datetime) -> NextWakeup:
    """The next wakeup of a campaign that is not running."""
    record = snapshot.record
    if record.state is CampaignState.STOPPING and close_some(s, record):
        return NextWakeup("those who wait are ended", now)
    return NextWakeup(record.reason or record.state.value, snapshot.settles_at)


def _scan_and_reserve(
    s: Session,
    state: RowMapping,
    snapshot: CampaignSnapshot,
    key: str,
    limit: int,
    now: datetime,
) -> tuple[NextWakeup, DueScan, Reservation]:
    """Decide and reserve calls, as far as the campaign's own limits and its lines allow."""
    record, in_flight = snapshot.record, snapshot.in_flight
    requeues = requeue_step(s, record, state, now)
    budget = read_budget(s, record, now)
    allowance = _allowance(s, record, in_flight, budget, now)
    scan, reservation, more = DueScan(), Reservation(), False
    rulebook: Rulebook | None = None
    if allowance.free > 0:
        rulebook = read_rulebook(s, record.tenant, now)
        free = min(allowance.free, limit, MAX_CALLS)
        scan, ready, capacity = _scan(s, record, rulebook, free, allowance.free, now)
        turn = state["caller_turn"]
        reserver = _Reserver(s, record, rulebook, key, turn, scan.ledgers, budget, now)
        reservation = reserver.reserve(ready, free, capacity)
        more = reservation.more or capacity.any_free(scan.unread)
        left = allowance.free - len(reservation.calls)
        reservation.offered = share_lines(
            s, record, capacity, left, now, stored=state["waits_for_lines"]
        )
        if len(reservation.calls) == allowance.free:
            held = in_flight + len(reservation.calls)
            allowance = _allowance(s, record, held, budget, now)
    else:
        reservation.offered = leave_lines(s, record, now, stored=state["waits_for_lines"])
    if budget is not None:
        publish_exhaustion(s, budget, state["budget_exhausted"])
        reservation.budget_spent = budget.allowance().exhausted == "most"
    elif state["budget_exhausted"] is not None:
        save_claim_state(s, record.id, budget_exhausted=None)
    surplus = {record.plan.line} if reservation.surplus else ()
    wakeup = next_wakeup(
        s,
        snapshot,
        allowance,
        now,
        more=more,
        unread={*scan.unread, *surplus},
        blocked=reservation.blocked,
        ran_dry=reservation.ran_dry,
        rulebook=rulebook,
    )
    if requeues:
        wakeup = NextWakeup("all recipients are requeued", now)
    return wakeup, scan, reservation


def _allowance(
    s: Session,
    record: CampaignRecord,
    in_flight: int,
    budget: CampaignBudget | None,
    now: datetime,
) -> Allowance:
    """How many calls the campaign itself may start: by its pacing, and by its budget."""
    allowance = campaign_allowance(s, record, in_flight, now)
    return allowance if budget is None else budget.narrow(allowance)


def _scan(
    s: Session, record: CampaignRecord, rulebook: Rulebook, free: int, wanted: int, now: datetime
) -> tuple[DueScan, list[tuple[Recipient, Dial]], LineCapacity]:
    """Decide about recipients that are due, as many as lines take now and a few more, then lock
    the lines: `free` in this claim, of the `wanted` that the campaign could start.

    What lines take is estimated before they are locked. Where it turns out to be more, the rest is
    decided about under the lock: a claim that left slots would lose its turn to other campaigns.
    Nobody is put off together under it, and where a thousand were, nobody else is decided about.
    """
    at_most = MAX_DECISIONS - free - SLACK
    if record.direct:
        return scan_requests(s, record, rulebook, free, wanted, now, at_most=at_most)
    estimate = line_capacity(s, record, (), wanted, now, lock=False)
    enough = min(free, max(estimate.usable, SLACK))
    need = needed(s, record, enough, now)
    scan, ready = scan_due(s, record, rulebook, need=need, at_most=at_most, now=now)
    if not on_postgresql(s):  # no other transaction writes
        return scan, ready, estimate
    capacity = line_capacity(s, record, (), wanted, now)
    usable = min(free, capacity.usable)
    if usable > enough and scan.unread and not scan.outside_hours:
        write_decisions(s, ready)
        need = needed(s, record, usable, now)
        left = at_most - scan.decisions
        rest, ready = scan_due(s, record, rulebook, need=need, at_most=left, now=now, put_off=False)
        scan = scan.followed_by(rest)
    return scan, ready, capacity


def _claim(
    s: Session,
    state: RowMapping,
    record: CampaignRecord,
    calls: Sequence[ClaimedCall],
    wakeup: NextWakeup,
    in_flight: int,
    now: datetime,
) -> Claim:
    """Build the claim's result, and store its figures in the claim state for `outdial status`."""
    save_claim_state(
        s,
        record.id,
        caller_turn=state["caller_turn"] + len(calls),
        wake_at=wakeup.at,
        reason=wakeup.reason,
        next_call_at=wakeup.call and wakeup.call.at,
        next_call_zone=wakeup.call and wakeup.call.zone,
    )
    return Claim(
        state=record.state,
        revision=record.revision,
        calls=tuple(calls),
        in_flight=in_flight,
        open_recipients=count_open(s, record.id, record.launch),
        wake_at=wakeup.at,
        wake_after=None if wakeup.at is None else max(timedelta(0), wakeup.at - now),
        reason=wakeup.reason,
    )


class _Reserver:
    """Reserves the calls of one claim, for recipients in the order of their windows."""

    def __init__(
        self,
        s: Session,
        campaign: CampaignRecord,
        rulebook: Rulebook,
        key: str,
        turn: int,
        ledgers: Mapping[int, Ledger],
        budget: CampaignBudget | None,
        now: datetime,
    ) -> None:
        """`turn` counts the campaign's calls; `ledgers` are those of a scan."""
        self._s = s
        self._campaign = campaign
        self._rulebook = rulebook
        self._key = key
        self._turn = turn
        self._earlier = ledgers
        self._budget = budget
        self._now = now
        self._decisions: dict[int, Dial] = {}

    def reserve(
        self, ready: Sequence[tuple[Recipient, Dial]], at_most: int, capacity: LineCapacity
    ) -> Reservation:
        """Reserve calls for at most `at_most` ready recipients, within the limits of their lines.

        `ready` were just decided; of those that get no call, a few are stored as ready."""
        s, campaign, now = self._s, self._campaign, self._now
        self._decisions = {each.id: dial for each, dial in ready}
        just_decided = [each for each, _ in ready]
        recipients, unread = find_ready(s, campaign, capacity, at_most, just_decided)
        recipients.sort(key=lambda each: (self._closes_at(each), each.turn, each.id))
        reservation, moved, reached = self._reserve_in_order(recipients, at_most, capacity)
        left = [(each, dial) for each, dial in ready if each.id not in moved]
        if len(left) > MOST_LEFT and not campaign.direct and capacity.usable == 0:
            # Others took the slots for which these were decided about.
            left.sort(key=lambda one: (one[1].closes_at, one[0].turn, one[0].id))
            del left[MOST_LEFT:]
            reservation.surplus = True
        write_decisions(s, left)
        for reserved in reservation.calls:
            if capacity.allowances[reserved.line].trial:
                begin_trial(s, campaign.tenant, reserved.line, reserved.call_id, now)
        waiting = unread | {each.group for each in recipients[reached:]}
        reservation.more = capacity.any_free(waiting)
        reservation.ran_dry = not capacity.routes or capacity.any_free(capacity.routes)
        reservation.blocked = [NextWakeup(each.reason, each.again_at) for each in capacity.full()]
        return reservation

    def _closes_at(self, of: Recipient) -> datetime:
        """When the window of a recipient that is ready closes."""
        dial = self._decisions.get(of.id)
        return (of.closes_at if dial is None else dial.closes_at) or self._now

    def _reserve_in_order(
        self, recipients: Sequence[Recipient], at_most: int, capacity: LineCapacity
    ) -> tuple[Reservation, set[int], int]:
        """The reservation, ids of recipients that are no longer ready, and how many were tried."""
        busy, changed = lock_numbers(self._s, self._campaign.tenant, recipients)
        ledgers = read_ledgers(
            self._s, self._campaign, recipients, self._rulebook, self._now, self._earlier
        )
        calls: list[dict[str, Any]] = []
        leases: list[dict[str, Any]] = []
        others: list[Decided] = []
        reached = 0
        for each in recipients:
            if len(calls) >= at_most:
                break
            reached += 1
            if each.id in changed:
                continue
            turn = self._turn + len(calls)
            line = capacity.line_for(each.group, each.marks, turn)
            if line is None:
                if capacity.free_for(each.group) > 0:
                    others.append((each, Wait(self._now + LINE_RETRY, _LINE_BUSY)))
                continue
            if not busy.isdisjoint(each.subscribers):
                others.append((each, Wait(self._now + NUMBER_RETRY, _NUMBER_BUSY)))
                continue
            decision = self._decide(each, ledgers[each.id])
            if not isinstance(decision, Dial):
                others.append((each, decision))
                continue
            values = call_values(self._campaign, each, decision, line, self._key, turn, self._now)
            calls.append(values)
            leases.append(_lease_values(values, each, self._now))
            busy.update(each.subscribers)
            capacity.reserve(line)
        called = [values["recipient_id"] for values in calls]
        if calls:
            self._insert(calls, leases, called)
        ended = write_decisions(self._s, others)
        moved = {*called, *(each.id for each, _ in others), *changed}
        return Reservation([claimed_call(values) for values in calls], ended), moved, reached

    def _insert(
        self, calls: list[dict[str, Any]], leases: list[dict[str, Any]], called: list[int]
    ) -> None:
        new = [NewRows(call, calls, _SAME_IN_CALLS), NewRows(lease, leases, _SAME_IN_LEASES)]
        if self._budget is not None:
            holds = self._budget.hold(calls)
            new.append(holds)
            reserve_holds(self._s, self._budget, holds)
        insert_all(self._s, new, _CALLED, {"ids": called})

    def _decide(self, of: Recipient, ledger: Ledger) -> Decision:
        if of.id in self._decisions and self._earlier[of.id] == ledger:
            return self._decisions[of.id]  # no call to them since
        return decide(of.candidate, of.plan, ledger, self._now, self._rulebook)


def call_values(
    campaign: CampaignRecord,
    of: Recipient,
    dial: Dial,
    line: str,
    key: str,
    turn: int,
    now: datetime,
) -> dict[str, Any]:
    """The row of a new call. `turn` counts the campaign's calls, and picks the caller id."""
    number, plan = of.calls + 1, of.plan
    shown = plan.caller_ids_on(line)
    return {
        "id": uuid.uuid4().hex,
        "tenant": campaign.tenant,
        "campaign_id": campaign.id,
        "campaign": campaign.name,
        "launch": campaign.launch,
        "recipient_id": of.id,
        "number": number,
        "attempt": of.candidate.attempts + 1,
        "workflow_id": call_workflow_id(
            campaign.tenant, campaign.name, campaign.launch, of.id, number
        ),
        "claim_key": key,
        "agent": plan.agent.id,
        "line": line,
        "phone": of.phone,
        "caller_id": shown[turn % len(shown)] if shown else None,
        "ring_seconds": plan.ring_timeout.total_seconds(),
        "max_seconds": plan.max_duration.total_seconds(),
        "status": CallStatus.QUEUED.value,
        "fence": Fence.CLAIMED.value,
        "is_attempt": False,
        "created_at": now,
        "structured": {},
        "evidence": {
            **dial.evidence,
            "zones": list(of.zones.candidates),
            "zone_source": of.zones.source.value,
            "zone_data": of.zones.data_version,
            "revision": of.revision,
        },
    }


def _lease_values(call_values: Mapping[str, Any], of: Recipient, now: datetime) -> dict[str, Any]:
    return {
        "call_id": call_values["id"],
        "campaign_id": call_values["campaign_id"],
        "tenant": call_values["tenant"],
        "line": call_values["line"],
        "phone": of.phone,
        "acquired_at": now,
        "expires_at": now + lease_duration(of.plan),
    }
