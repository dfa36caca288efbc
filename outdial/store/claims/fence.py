"""Placement fence: re-checks the decision and marks the call as possibly sent, in one transaction,
immediately before the provider request.

The worker that raises the fence sends the request, once; one that finds it raised never does.

The campaign's row is not locked. Fences of a campaign pass its gate (`store.campaign.gate`) side by
side, and each transaction that pauses, stops, edits or blocks it shuts the gate: a fence that
commits after such a change has committed has seen it. A number that is suppressed while a fence is
open may still be dialed; after the suppression, calls to it that hold a slot are looked up and hung
up.

Every fence locks in this order: the gate, the call, the number, the line's rate, the campaign's
chain of receipts, and at the commit the endpoints that are to hear of it. The rate and the chain
are held by one fence at a time, until it commits: all dials of a line, or of a campaign, can wait
behind an endpoint that is locked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import RowMapping, bindparam, or_, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, FencePass, FenceVerdict
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.plan import CallPlan, read_plan
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.decision.decision import Decision, Dial
from outdial.domain.decision.planner import decide, looks_back
from outdial.domain.endpoint import EventType
from outdial.domain.line.breaker import Circuit
from outdial.domain.line.routing import SIMULATED
from outdial.domain.money.amount import format_amount
from outdial.store.campaign.gate import pass_gate
from outdial.store.campaign.revisions import plan_at
from outdial.store.claims.ceiling import lock_number
from outdial.store.claims.ledger import LedgerQuery, read_ledgers
from outdial.store.claims.rate import Queued, take_token
from outdial.store.compliance.receipts import write_receipt
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.compliance.suppressions import reason_of
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import (
    EPOCH,
    budget_hold,
    call,
    campaign,
    lease,
    line,
    own_plan,
    recipient,
)
from outdial.store.records import read_candidate, read_current_zones
from outdial.store.webhooks.outbox import publish_calls

_FOUND = {
    Fence.PLACING: FenceVerdict.ALREADY_PLACING,
    Fence.PLACED: FenceVerdict.ALREADY_PLACED,
}


_CIRCUIT = (
    select(line.c.circuit_reason)
    .where(
        line.c.tenant == call.c.tenant,
        line.c.name == call.c.line,
        line.c.circuit != Circuit.CLOSED.value,
        or_(line.c.trial_call_id.is_(None), line.c.trial_call_id != call.c.id),
    )
    .scalar_subquery()
)
_SIMULATED = (
    select(line.c.provider == SIMULATED)
    .where(line.c.tenant == call.c.tenant, line.c.name == call.c.line)
    .scalar_subquery()
)
_HELD = select(lease.c.call_id).where(lease.c.call_id == call.c.id).scalar_subquery()
_RESERVED, _CURRENCY = (
    select(budget_hold.c[name]).where(budget_hold.c.call_id == call.c.id).scalar_subquery()
    for name in ("highest", "currency")
)
_CALL = lock_rows(
    select(
        call.c.tenant,
        call.c.line,
        call.c.phone,
        call.c.caller_id,
        call.c.attempt,
        call.c.ring_seconds,
        call.c.max_seconds,
        call.c.status,
        call.c.fence,
        call.c.fence_deadline,
        call.c.provider_call_id,
        call.c.created_at,
        call.c.launch,
        call.c.campaign_id,
        call.c.failure,
        call.c.detail,
        call.c.retry_after_seconds,
        call.c.evidence,
        recipient.c.zones,
        recipient.c.attempts,
        recipient.c.due_at,
        recipient.c.not_before,
        recipient.c.alternate_phones,
        recipient.c.consent,
        recipient.c.promised,
        recipient.c.variables,
        recipient.c.withdrawn,
        own_plan.label("own_plan"),
        campaign.c.plan.label("campaign_plan"),
        campaign.c.state.label("campaign_state"),
        campaign.c.launch.label("current_launch"),
        campaign.c.revision.label("current_revision"),
        reason_of(call.c.tenant, call.c.phone).label("suppressed"),
        _HELD.label("held"),
        _SIMULATED.label("simulated"),
        _CIRCUIT.label("circuit_reason"),
        _RESERVED.label("reserved"),
        _CURRENCY.label("reserved_currency"),
    )
    .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
    .join(campaign, campaign.c.id == call.c.campaign_id)
    .where(call.c.id == bindparam("call_id")),
    exclusive=[call],
)
_LINE_OF = select(call.c.line).where(call.c.id == bindparam("call_id"))
_CLAIMED = update(call).where(
    call.c.id == bindparam("call_id"), call.c.fence == Fence.CLAIMED.value
)


def line_of(s: Session, call_id: str) -> str:
    """The line that a call goes out on; it stays the same. Raises UnknownCall."""
    name: str | None = s.connection().execute(_LINE_OF, {"call_id": call_id}).scalar()
    if name is None:
        raise UnknownCall(call_id)
    return name


def raise_fence(
    s: Session,
    call_id: str,
    *,
    now: datetime,
    placement_timeout: timedelta,
    caller_id: str | None = None,
    webhook_url: str = "",
) -> tuple[FencePass, PlaceRequest | None]:
    """Let a claimed call pass, once: GO, with the request to send. No other execution gets it.

    WITHDRAWN closes the fence for good; WAIT_FOR_RATE leaves it as it is. `caller_id` is shown
    where the call has none of its own; `webhook_url` goes into the request. Raises UnknownCall.
    """
    pass_gate(s, call_id)
    row = _lock(s, call_id)
    fence = Fence(row["fence"])
    if fence is Fence.NOT_PLACED:
        return _not_placed(row), None
    if fence in _FOUND:
        passed_before = FencePass(
            verdict=_FOUND[fence],
            line=row["line"],
            provider_call_id=row["provider_call_id"],
            deadline=row["fence_deadline"],
        )
        return passed_before, None
    if fence is not Fence.CLAIMED:
        return _withdrawn(row, f"the fence is {fence.value}"), None
    plan = read_plan(row["own_plan"] or row["campaign_plan"])
    objection, decision = _objection(row), None
    if objection is None:
        decision = _decide(s, row, plan, now)
        objection = None if isinstance(decision, Dial) else decision.reason.text
    if not isinstance(decision, Dial):
        _set_fence(s, call_id, fence=Fence.CLOSED.value)
        return _withdrawn(row, objection or ""), None
    # Read before the rate and the chain are locked: a definition may take long to parse.
    claimed_plan = _plan_of_claim(s, row, plan)
    queued = Queued(call_id, row["created_at"], row["tenant"], row["line"])
    retry_at = take_token(s, queued, now)
    if retry_at is not None:
        return _too_soon(row, retry_at), None
    deadline = now + placement_timeout
    _mark_placing(s, call_id, row, decision, now, deadline)
    passed = FencePass(
        verdict=FenceVerdict.GO,
        line=row["line"],
        deadline=deadline,
        due_at=row["created_at"] if row["due_at"] == EPOCH else row["due_at"],
    )
    return passed, _request(call_id, row, claimed_plan, caller_id, webhook_url)


def _plan_of_claim(s: Session, row: RowMapping, plan: CallPlan) -> CallPlan:
    """The plan that the call was claimed under: it runs out under that, though whether it may be
    made is decided by the present one."""
    claimed_at = (row["evidence"] or {}).get("revision")
    if row["own_plan"] or claimed_at is None or claimed_at == row["current_revision"]:
        return plan
    return plan_at(s, row["campaign_id"], claimed_at) or plan


def _lock(s: Session, call_id: str) -> RowMapping:
    row = s.connection().execute(_CALL, {"call_id": call_id}).mappings().first()
    if row is None:
        raise UnknownCall(call_id)
    return row


def _objection(row: RowMapping) -> str | None:
    """Why the call must not be dialed, apart from the calling rules; None when it may be."""
    if CallStatus(row["status"]).terminal:
        return f"the call is {row['status']}"
    if row["held"] is None:
        return "the call holds no slot any more"
    if row["campaign_state"] != CampaignState.RUNNING:
        return f"the campaign is {row['campaign_state']}"
    if row["launch"] != row["current_launch"]:
        return "the campaign was launched again"
    if row["withdrawn"]:
        return "it was withdrawn"
    if row["circuit_reason"] is not None:
        return f"line {row['line']} takes no calls: {row['circuit_reason']}"
    return None


def _decide(s: Session, row: RowMapping, plan: CallPlan, now: datetime) -> Decision:
    """The claim's decision once more, with what is stored now."""
    others = tuple(row["alternate_phones"])
    zones = read_current_zones(row["zones"], row["phone"], others)
    candidate = read_candidate(row, zones)
    rulebook = read_rulebook(s, row["tenant"], now)
    if not row["simulated"]:
        lock_number(s, row["phone"])
    back = looks_back(candidate, plan, rulebook)
    query = LedgerQuery(row["phone"], others, back, () if row["simulated"] else (row["line"],))
    (ledger,) = read_ledgers(s, row["tenant"], [query], now)
    return decide(candidate, plan, ledger, now, rulebook)


def _give_receipt(s: Session, call_id: str, row: RowMapping, dial: Dial, now: datetime) -> None:
    zones = read_current_zones(row["zones"], row["phone"], tuple(row["alternate_phones"]))
    evidence = {
        **dial.evidence,
        "closes_at": dial.closes_at.isoformat(),
        "line": row["line"],
        "zone_source": zones.source.value,
        "zone_data": zones.data_version,
    }
    if row["reserved"] is not None:
        evidence["reserved"] = format_amount(row["reserved"], row["reserved_currency"])
    write_receipt(s, row["campaign_id"], call_id, row["phone"], evidence, now=now)


def _mark_placing(
    s: Session, call_id: str, row: RowMapping, dial: Dial, now: datetime, deadline: datetime
) -> None:
    """Mark the call as possibly sent, and store its event and its receipt. The receipt comes last:
    it locks the campaign's chain, after which only endpoints are locked, at the commit."""
    _set_fence(
        s,
        call_id,
        fence=Fence.PLACING.value,
        fenced_at=now,
        fence_deadline=deadline,
        left_at=None if row["simulated"] else now,
    )
    publish_calls(s, row["tenant"], [(call_id, EventType.CALL_INITIATING.value)], now=now)
    _give_receipt(s, call_id, row, dial, now)


def _set_fence(s: Session, call_id: str, **values: object) -> None:
    raised = s.connection().execute(_CLAIMED, {"call_id": call_id, **values})
    # The row is locked, so this cannot be; if it were, nothing may be dialed.
    if raised.rowcount != 1:
        raise RuntimeError(f"the fence of call {call_id} moved while its row was locked")


def _too_soon(row: RowMapping, retry_at: datetime) -> FencePass:
    line = row["line"]
    return FencePass(
        verdict=FenceVerdict.WAIT_FOR_RATE,
        line=line,
        reason=f"line {line} may start no more calls for now",
        retry_at=retry_at,
    )


def _withdrawn(row: RowMapping, reason: str) -> FencePass:
    return FencePass(verdict=FenceVerdict.WITHDRAWN, line=row["line"], reason=reason)


def _not_placed(row: RowMapping) -> FencePass:
    """What the provider answered, stored for an execution that asks again after a worker died.

    A call that has ended keeps its answer too: its end is recorded only once.
    """
    wait, failure = row["retry_after_seconds"], row["failure"]
    return FencePass(
        verdict=FenceVerdict.NOT_PLACED,
        line=row["line"],
        reason=row["detail"] or "",
        failure=None if failure is None else FailureClass(failure),
        retry_after=None if wait is None else timedelta(seconds=wait),
    )


def _request(
    call_id: str, row: RowMapping, plan: CallPlan, caller_id: str | None, webhook_url: str
) -> PlaceRequest:
    """Uses the durations of the claim, from which the lease was computed."""
    agent = plan.agent_on(row["line"])
    return PlaceRequest(
        call_id=call_id,
        to=row["phone"],
        caller_id=row["caller_id"] or caller_id,
        agent=agent.id,
        agent_settings=agent.settings,
        attempt=row["attempt"],
        variables=row["variables"],
        ring_timeout=timedelta(seconds=row["ring_seconds"]),
        max_duration=timedelta(seconds=row["max_seconds"]),
        recording=plan.recording,
        webhook_url=webhook_url,
    )
