"""Calls: read and listed, as records and as their requesters see them; and what the answer to a
placement says. What is reported of calls is in `store.call.events`, their end and settlement
in `store.call.settlement`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    null,
    select,
    update,
)
from sqlmodel import Session

from outdial.domain.call.plan import read_plan
from outdial.domain.call.request import CallFilter, CallView, status_of
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import DEFAULT_TENANT, DIRECT_CAMPAIGN, CallRecord, RecipientState
from outdial.store.budget.hold import HOLD_COLUMNS, BudgetHold, read_hold
from outdial.store.call import listing
from outdial.store.call.locked_call import lock_call
from outdial.store.db.dialect import unindexed
from outdial.store.db.ranges import between, page_of, read_in_order
from outdial.store.db.tables import (
    EPOCH,
    budget_hold,
    call,
    call_request,
    campaign,
    own_plan,
    recipient,
)
from outdial.store.lines.health import record_unknown_placement
from outdial.store.records import call_record

_CLOCKS = timedelta(minutes=1)
"""More than clocks of two processes differ."""


def get_call(s: Session, call_id: str) -> CallRecord | None:
    row = s.connection().execute(select(call).where(call.c.id == call_id)).mappings().first()
    return None if row is None else call_record(row)


def get_call_by_provider_id(
    s: Session, line: str, provider_call_id: str, *, tenant: str = DEFAULT_TENANT
) -> CallRecord | None:
    """The call of a line that its provider knows by this id; the newest, should it repeat."""
    statement = (
        select(call)
        .where(
            unindexed(call.c.tenant) == tenant,
            unindexed(call.c.line) == line,
            call.c.provider_call_id == provider_call_id,
        )
        .order_by(call.c.created_at.desc())
        .limit(1)
    )
    row = s.connection().execute(statement).mappings().first()
    return None if row is None else call_record(row)


def list_calls(
    s: Session,
    campaign_id: int,
    *,
    status: CallStatus | None = None,
    launch: int | None = None,
    since: datetime | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[CallRecord]:
    """Calls of a campaign, oldest first; `after` is the last call's id of the page before.

    `since` is when the launch began: calls of earlier launches are not read.
    """
    equal: list[tuple[ColumnElement[Any], Any]] = [(call.c.campaign_id, campaign_id)]
    if status is not None:
        equal.append((call.c.status, status.value))
    statement = select(call)
    if launch is not None:
        statement = statement.where(call.c.launch == launch)
    place = None
    if after is not None:
        last = s.connection().execute(select(call.c.created_at).where(call.c.id == after)).scalar()
        if last is None:
            return []
        place = last, after
    times = between(None if since is None else since - _CLOCKS, None)
    order = call.c.created_at, call.c.id
    statement = page_of(statement, equal, order, times, limit=limit, after=place)
    return [call_record(row) for row in read_in_order(s, statement).mappings()]


def awaiting_analysis(
    s: Session, *, before: datetime, limit: int, without: Collection[str] = ()
) -> list[CallRecord]:
    """Calls of all tenants that a claim settles before an instant, with or without analysis;
    without those of some ids."""
    statement = (
        select(call)
        .where(
            call.c.settled_at.is_(None), call.c.settle_by.is_not(None), call.c.settle_by <= before
        )
        .order_by(call.c.settle_by)
        .limit(limit)
    )
    if without:
        statement = statement.where(call.c.id.not_in(without))
    return [call_record(row) for row in s.connection().execute(statement).mappings()]


def record_not_placed(
    s: Session,
    call_id: str,
    *,
    failure: FailureClass,
    detail: str | None,
    now: datetime,
    retry_after: timedelta | None = None,
    answered: bool = True,
) -> bool:
    """Certainly no call was made: the fence goes from placing to not placed.

    `answered` is whether the answer to the placing request said so; where the provider merely
    does not know the call, the placement counts towards the daily ceiling all the same.
    The answer is stored with the call, in case the process that received it dies.
    False, and nothing changes, when it is not placing: an event may have proved a call.
    """
    left = {"left_at": None} if answered else {}
    moved = s.connection().execute(
        update(call)
        .where(call.c.id == call_id, call.c.fence == Fence.PLACING.value)
        .values(
            **left,
            fence=Fence.NOT_PLACED.value,
            failure=failure.value,
            detail=detail,
            retry_after_seconds=None if retry_after is None else retry_after.total_seconds(),
        )
    )
    return moved.rowcount > 0


def record_doubt(s: Session, call_id: str, *, detail: str | None, now: datetime) -> None:
    """Count a placement without an answer against the health of its line.

    Raises UnknownCall.
    """
    record_unknown_placement(s, lock_call(s, call_id), detail, now)


def get_view(s: Session, tenant: str, public_id: str) -> CallView | None:
    """A call of a tenant, by the request's id or a campaign call's own."""
    views = _views(s, tenant, [public_id], [public_id])
    return views.get(public_id)


def list_views(
    s: Session,
    tenant: str,
    chosen: CallFilter,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    offset: int = 0,
) -> list[CallView]:
    """List calls, newest first; `after` is the time and id of the last one of the page before."""
    ids, requests, of_campaigns = listing.page(
        s, tenant, chosen, limit=limit, after=after, offset=offset
    )
    views = _views(s, tenant, requests, of_campaigns)
    return [views[each] for each in ids]


def count_views(s: Session, tenant: str, chosen: CallFilter, *, up_to: int) -> int:
    """How many calls there are; no more are counted than `up_to`."""
    return listing.count(s, tenant, chosen, up_to=up_to)


def statuses_of_newest(
    s: Session, tenant: str, chosen: CallFilter, *, up_to: int
) -> Counter[CallStatus]:
    """In which statuses the newest calls are, `up_to` of them."""
    return listing.statuses_of_newest(s, tenant, chosen, up_to=up_to)


def _views(
    s: Session, tenant: str, requests: Sequence[str], calls: Sequence[str]
) -> dict[str, CallView]:
    views: dict[str, CallView] = {}
    if calls:
        of_campaigns = (
            select(*_columns(null(), null(), null(), null(), null(), null(), null()), *HOLD_COLUMNS)
            .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
            .join(campaign, campaign.c.id == call.c.campaign_id)
            .join(budget_hold, budget_hold.c.call_id == call.c.id, isouter=True)
            .where(
                unindexed(call.c.tenant) == tenant,
                call.c.id.in_(calls),
                call.c.campaign != DIRECT_CAMPAIGN,
            )
        )
        for made in s.connection().execute(of_campaigns):
            views[made.id] = _campaign_view(made._mapping, read_hold(made))
    if requests:
        r = call_request.c
        of_requests = (
            select(*_columns(r.public_id, r.agent, r.line, r.origin, r.contact_id, r.endpoint_id,
                             r.created_at))
            .join_from(call_request, recipient, listing.OF_REQUEST)
            .join(campaign, campaign.c.id == call_request.c.campaign_id)
            .join(call, listing.LAST_CALL, isouter=True)
            .where(
                unindexed(call_request.c.tenant) == tenant, call_request.c.public_id.in_(requests)
            )
        )  # fmt: skip
        for row in s.connection().execute(of_requests).mappings():
            views[row["request_id"]] = _request_view(row)
    return views


def _columns(*of_request: Any) -> list[Any]:
    names = ("id", "agent", "line", "origin", "contact_id", "endpoint_id", "created_at")
    named = [
        column.label(f"request_{name}") for name, column in zip(names, of_request, strict=True)
    ]
    of_recipient = (
        "id", "phone", "state", "attempts", "outcome", "reason", "not_before", "due_at",
        "variables", "context", "line",
    )  # fmt: skip
    return [
        *named,
        *(recipient.c[name].label(f"recipient_{name}") for name in of_recipient),
        own_plan.label("recipient_plan"),
        campaign.c.tenant.label("campaign_tenant"),
        campaign.c.name.label("campaign_name"),
        campaign.c.plan.label("campaign_plan"),
        *call.c,
    ]


def _request_view(row: RowMapping) -> CallView:
    state = RecipientState(row["recipient_state"])
    last = None if row["id"] is None else call_record(row)
    status = status_of(state, last.status if last else None, row["recipient_outcome"])
    return CallView(
        id=row["request_id"],
        agent=row["request_agent"],
        line=row["request_line"],
        origin=row["request_origin"],
        contact_id=row["request_contact_id"],
        endpoint_id=row["request_endpoint_id"],
        created_at=row["request_created_at"],
        status=status,
        outcome=row["recipient_outcome"],
        reason=row["recipient_reason"],
        done=state is RecipientState.DONE,
        attempts=row["recipient_attempts"],
        **_common(row, last),
    )


def _campaign_view(row: RowMapping, hold: BudgetHold | None) -> CallView:
    last = call_record(row)
    common = _common(row, last)
    return CallView(
        id=last.id,
        agent=row["agent"],
        line=last.line,
        origin="campaign",
        created_at=last.created_at,
        status=last.status,
        outcome=last.outcome,
        reason=last.detail,
        done=last.settled_at is not None,
        attempts=last.attempt,
        budget=None if hold is None else hold.view,
        **(common | {"to": last.to}),
    )


def _common(row: RowMapping, last: CallRecord | None) -> dict[str, Any]:
    plan = read_plan(row["recipient_plan"] or row["campaign_plan"])
    due = row["recipient_not_before"]
    line = row["line"] or row["recipient_line"]
    own = plan.caller_ids_on(line)
    return {
        "caller_id": (last and last.caller_id) or (own[0] if len(own) == 1 else None),
        "tenant": row["campaign_tenant"],
        "campaign": row["campaign_name"],
        "to": row["recipient_phone"],
        "recipient_id": row["recipient_id"],
        "scheduled_at": None if due in (None, EPOCH) else due,
        "variables": row["recipient_variables"],
        "context": row["recipient_context"] or {},
        "recording": plan.recording,
        "max_duration": plan.max_duration,
        "last": last,
    }
