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
    Select,
    and_,
    case,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
    update,
)
from sqlmodel import Session

from outdial.domain.call.plan import read_plan
from outdial.domain.call.request import CallFilter, CallView, status_of
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import DEFAULT_TENANT, DIRECT_CAMPAIGN, CallRecord, RecipientState
from outdial.store.call.locked_call import lock_call
from outdial.store.db.dialect import unindexed
from outdial.store.db.tables import EPOCH, call, call_request, campaign, recipient
from outdial.store.lines.health import record_unknown_placement
from outdial.store.records import call_record

_LAST = and_(call.c.recipient_id == recipient.c.id, call.c.number == recipient.c.calls)
_OF_REQUEST = and_(
    recipient.c.campaign_id == call_request.c.campaign_id,
    recipient.c.request_key == call_request.c.key,
)
_UNDER_WAY = (RecipientState.CALLING.value, RecipientState.SETTLING.value)
_STATUS = case(
    (recipient.c.state.in_(_UNDER_WAY), func.coalesce(call.c.status, CallStatus.QUEUED.value)),
    (recipient.c.state != RecipientState.DONE.value, CallStatus.QUEUED.value),
    (call.c.status.is_not(None), call.c.status),
    (recipient.c.outcome == CallStatus.CANCELED.value, CallStatus.CANCELED.value),
    else_=CallStatus.FAILED.value,
)
"""`domain.call.request.status_of` in SQL."""


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
    limit: int = 100,
    after: str | None = None,
) -> list[CallRecord]:
    """Calls of a campaign, oldest first; `after` is the last call's id of the page before."""
    statement = select(call).where(call.c.campaign_id == campaign_id)
    if status is not None:
        statement = statement.where(call.c.status == status.value)
    if launch is not None:
        statement = statement.where(call.c.launch == launch)
    if after is not None:
        last = select(call.c.created_at).where(call.c.id == after).scalar_subquery()
        statement = statement.where(tuple_(call.c.created_at, call.c.id) > tuple_(last, after))
    statement = statement.order_by(call.c.created_at, call.c.id).limit(limit)
    return [call_record(row) for row in s.connection().execute(statement).mappings()]


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
    both = _both(s, tenant, chosen).subquery()
    statement = select(both.c.created_at, both.c.id, both.c.kind)
    if after is not None:
        place = tuple_(both.c.created_at, both.c.id)
        statement = statement.where(
            place < tuple_(literal(after[0], call.c.created_at.type), after[1])
        )
    statement = (
        statement.order_by(both.c.created_at.desc(), both.c.id.desc()).limit(limit).offset(offset)
    )
    rows = s.connection().execute(statement).all()
    views = _views(
        s,
        tenant,
        [row.id for row in rows if row.kind == "request"],
        [row.id for row in rows if row.kind == "call"],
    )
    return [views[row.id] for row in rows]


def count_views(s: Session, tenant: str, chosen: CallFilter, *, up_to: int) -> int:
    """How many calls there are; no more are counted than `up_to`."""
    parts = (part.limit(up_to).subquery() for part in _parts(s, tenant, chosen))
    counts = [select(func.count()).select_from(part).scalar_subquery() for part in parts]
    return min(up_to, sum(s.connection().execute(select(*counts)).one()))


def statuses_of_newest(
    s: Session, tenant: str, chosen: CallFilter, *, up_to: int
) -> Counter[CallStatus]:
    """In which statuses the newest calls are, `up_to` of them."""
    newest = []
    for part, status in zip(_parts(s, tenant, chosen), (_STATUS, call.c.status), strict=False):
        order = [part.selected_columns[name].desc() for name in ("created_at", "id")]
        shown = part.add_columns(_settled_status(status, chosen).label("status"))
        newest.append(select(shown.order_by(*order).limit(up_to).subquery()))
    both = union_all(*newest).subquery()
    some = select(both.c.status).order_by(both.c.created_at.desc(), both.c.id.desc()).limit(up_to)
    return Counter(CallStatus(status) for status in s.connection().execute(some).scalars())


def _both(s: Session, tenant: str, chosen: CallFilter) -> Any:
    return union_all(*_parts(s, tenant, chosen))


def _parts(s: Session, tenant: str, chosen: CallFilter) -> list[Select[Any]]:
    parts = [_requests(tenant, chosen)]
    if chosen.origin in (None, "campaign") and chosen.contact_id is None:
        parts.append(_campaign_calls(s, tenant, chosen))
    return parts


def _requests(tenant: str, chosen: CallFilter) -> Select[Any]:
    statement = (
        select(
            call_request.c.created_at.label("created_at"),
            call_request.c.public_id.label("id"),
            literal("request").label("kind"),
        )
        .join_from(call_request, recipient, _OF_REQUEST)
        .join(call, _LAST, isouter=True)
        .where(call_request.c.tenant == tenant)
    )
    filters = [
        (
            _settled_status(_STATUS, chosen).in_([s.value for s in chosen.statuses]),
            chosen.statuses,
        ),
        (call_request.c.agent == chosen.agent, chosen.agent),
        (call_request.c.contact_id == chosen.contact_id, chosen.contact_id),
        (call_request.c.origin == chosen.origin, chosen.origin),
        (literal(chosen.campaign) == DIRECT_CAMPAIGN, chosen.campaign),
    ]
    statement = statement.where(*(condition for condition, value in filters if value))
    return statement.where(*_alike(call_request.c.phone, call_request.c.created_at, chosen))


def _campaign_calls(s: Session, tenant: str, chosen: CallFilter) -> Select[Any]:
    statement = select(
        call.c.created_at.label("created_at"),
        call.c.id.label("id"),
        literal("call").label("kind"),
    ).where(call.c.tenant == tenant, call.c.campaign != DIRECT_CAMPAIGN)
    if chosen.statuses:
        status = _settled_status(call.c.status, chosen)
        statement = statement.where(status.in_([s.value for s in chosen.statuses]))
    if chosen.campaign is not None:
        statement = statement.where(call.c.campaign == chosen.campaign)
    if chosen.agent is not None:
        statement = statement.where(call.c.campaign_id.in_(_campaigns_of(s, tenant, chosen.agent)))
    return statement.where(*_alike(call.c.phone, call.c.created_at, chosen))


def _settled_status(status: ColumnElement[str], chosen: CallFilter) -> ColumnElement[str]:
    """`domain.call.request.until_settled` in SQL."""
    if chosen.settled_by is None:
        return status
    awaited = and_(
        status == CallStatus.COMPLETED.value,
        call.c.settled_at.is_(None),
        call.c.settle_by > chosen.settled_by,
    )
    return case((awaited, CallStatus.IN_PROGRESS.value), else_=status)


def _alike(
    phone: ColumnElement[str], created_at: ColumnElement[datetime], chosen: CallFilter
) -> list[ColumnElement[bool]]:
    conditions = []
    if chosen.to is not None:
        conditions.append(phone == chosen.to)
    if chosen.created_from is not None:
        conditions.append(created_at >= chosen.created_from)
    if chosen.created_before is not None:
        conditions.append(created_at < chosen.created_before)
    return conditions


def _campaigns_of(s: Session, tenant: str, agent: str) -> list[int]:
    """Ids of the campaigns that use an agent. Reads the stored plans, of which there are few."""
    statement = select(campaign.c.id, campaign.c.plan).where(campaign.c.tenant == tenant)
    rows = s.connection().execute(statement)
    return [row.id for row in rows if read_plan(row.plan).agent.id == agent]


def _views(
    s: Session, tenant: str, requests: Sequence[str], calls: Sequence[str]
) -> dict[str, CallView]:
    views: dict[str, CallView] = {}
    if calls:
        of_campaigns = (
            select(*_columns(null(), null(), null(), null(), null(), null(), null()))
            .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
            .join(campaign, campaign.c.id == call.c.campaign_id)
            .where(
                call.c.tenant == tenant, call.c.id.in_(calls), call.c.campaign != DIRECT_CAMPAIGN
            )
        )
        for row in s.connection().execute(of_campaigns).mappings():
            views[row["id"]] = _campaign_view(row)
    if requests:
        r = call_request.c
        of_requests = (
            select(*_columns(r.public_id, r.agent, r.line, r.origin, r.contact_id, r.endpoint_id,
                             r.created_at))
            .join_from(call_request, recipient, _OF_REQUEST)
            .join(campaign, campaign.c.id == call_request.c.campaign_id)
            .join(call, _LAST, isouter=True)
            .where(call_request.c.tenant == tenant, call_request.c.public_id.in_(requests))
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
        "variables", "context", "plan", "line",
    )  # fmt: skip
    return [
        *named,
        *(recipient.c[name].label(f"recipient_{name}") for name in of_recipient),
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


def _campaign_view(row: RowMapping) -> CallView:
    last = call_record(row)
    common = _common(row, last)
    return CallView(
        id=last.id,
        agent=read_plan(row["campaign_plan"]).agent.id,
        line=last.line,
        origin="campaign",
        created_at=last.created_at,
        status=last.status,
        outcome=last.outcome,
        reason=last.detail,
        done=last.settled_at is not None,
        attempts=last.attempt,
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
