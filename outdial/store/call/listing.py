"""Lists of calls: requests and the calls of campaigns together, newest first.

What is listed is read from ranges of indexes, one for each status, each in the order of the list
and no longer than the page: a page costs what it shows, whatever the filter. The status of a
request is kept with it by triggers (revision 0031).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    select,
    tuple_,
    union_all,
)
from sqlmodel import Session

from outdial.domain.call.request import CallFilter
from outdial.domain.call.status import CallStatus
from outdial.domain.record import DIRECT_CAMPAIGN
from outdial.store.db.dialect import unindexed
from outdial.store.db.tables import EPOCH, call, call_request, campaign, recipient
from outdial.store.db.tables.call import is_of_campaign

LAST_CALL = and_(call.c.recipient_id == recipient.c.id, call.c.number == recipient.c.calls)
OF_REQUEST = and_(
    recipient.c.campaign_id == call_request.c.campaign_id,
    recipient.c.request_key == call_request.c.key,
)
REQUEST, CALL = "request", "call"
Place = tuple[datetime, str]
"""Where an item stands in the list: its time and its id."""


def page(
    s: Session, tenant: str, chosen: CallFilter, *, limit: int, after: Place | None, offset: int
) -> tuple[list[str], list[str], list[str]]:
    """Ids in their order; and which of them are requests, and calls of campaigns."""
    parts = list(_parts(s, tenant, chosen))
    if not parts:
        return [], [], []
    ranges = [_first(part, limit + offset, after) for part in parts]
    both = union_all(*(select(part.subquery()) for part in ranges)).subquery()
    statement = select(both).order_by(both.c.created_at.desc(), both.c.id.desc())
    rows = s.connection().execute(statement.limit(limit).offset(offset)).all()
    of_kind = {kind: [row.id for row in rows if row.kind == kind] for kind in (REQUEST, CALL)}
    return [row.id for row in rows], of_kind[REQUEST], of_kind[CALL]


def count(s: Session, tenant: str, chosen: CallFilter, *, up_to: int) -> int:
    """How many there are; no more are counted than `up_to`."""
    parts = [part.selected.limit(up_to).subquery() for part in _parts(s, tenant, chosen)]
    if not parts:
        return 0
    some = union_all(*map(select, parts)).limit(up_to).subquery()
    return int(s.connection().execute(select(func.count()).select_from(some)).scalar_one())


def statuses_of_newest(
    s: Session, tenant: str, chosen: CallFilter, *, up_to: int
) -> Counter[CallStatus]:
    """In which statuses the newest are, `up_to` of them."""
    parts = [_first(part, up_to, None) for part in _parts(s, tenant, chosen)]
    if not parts:
        return Counter()
    both = union_all(*(select(part.subquery()) for part in parts)).subquery()
    newest = select(both.c.status).order_by(both.c.created_at.desc(), both.c.id.desc())
    statuses = s.connection().execute(newest.limit(up_to)).scalars()
    return Counter(CallStatus(status) for status in statuses)


class _Part:
    """Items of one kind that an index has in the order of the list."""

    def __init__(self, selected: Select[Any], created_at: ColumnElement[Any], id: Any) -> None:
        self.selected = selected
        self.place = created_at, id


def _first(part: _Part, size: int, after: Place | None) -> Select[Any]:
    statement = part.selected
    if after is not None:
        at = literal(after[0], call.c.created_at.type)
        statement = statement.where(tuple_(*part.place) < tuple_(at, after[1]))
    return statement.order_by(*(column.desc() for column in part.place)).limit(size)


def _parts(s: Session, tenant: str, chosen: CallFilter) -> Iterator[_Part]:
    if chosen.campaign in (None, DIRECT_CAMPAIGN):
        yield from _requests(tenant, chosen)
    if chosen.campaign != DIRECT_CAMPAIGN and chosen.contact_id is None:
        yield from _campaign_calls(s, tenant, chosen)


# --- requests -----------------------------------------------------------------------------------


def _requests(tenant: str, chosen: CallFilter) -> Iterator[_Part]:
    c = call_request.c
    awaited = exists().where(OF_REQUEST, LAST_CALL, _awaited(chosen)).correlate(call_request)
    listed = select(
        c.created_at,
        c.public_id.label("id"),
        literal(REQUEST).label("kind"),
        _shown_status(c.status, chosen, awaited),
    )
    conditions = [c.tenant == tenant, *_made_within(c.created_at, chosen)]
    if chosen.agent is not None:
        conditions.append(c.agent == chosen.agent)
    by_person = [
        column == value
        for column, value in ((c.contact_id, chosen.contact_id), (c.phone, chosen.to))
        if value is not None
    ]
    conditions += by_person
    for status in _statuses(c.status, chosen, awaited, together=bool(by_person)):
        yield _Part(listed.where(*conditions, *status), c.created_at, c.public_id)
    if _shows_awaited(chosen):
        statement = listed.join_from(call, recipient, LAST_CALL).join(call_request, OF_REQUEST)
        statement = statement.where(
            _awaited(chosen), unindexed(c.tenant) == tenant, *conditions[1:]
        )
        yield _Part(statement, c.created_at, c.public_id)


# --- calls of campaigns -------------------------------------------------------------------------


def _campaign_calls(s: Session, tenant: str, chosen: CallFilter) -> Iterator[_Part]:
    c = call.c
    awaited = _awaited(chosen)
    listed = select(
        c.created_at,
        c.id,
        literal(CALL).label("kind"),
        _shown_status(c.status, chosen, awaited),
    )
    conditions: list[ColumnElement[bool]] = [c.tenant == tenant]
    if chosen.campaign is not None:
        campaign_id = _campaign_id(s, tenant, chosen.campaign)
        if campaign_id is None:
            return
        if chosen.agent is None and chosen.to is None:
            conditions = [c.campaign_id == campaign_id]
        else:
            conditions.append(c.campaign_id + 0 == campaign_id)
    if chosen.to is not None:
        conditions.append(c.phone == chosen.to)
    if chosen.agent is not None:
        agent = unindexed(c.agent) if chosen.to is not None else c.agent
        conditions.append(agent == chosen.agent)
    conditions += [is_of_campaign, *_made_within(c.created_at, chosen)]
    for status in _statuses(c.status, chosen, awaited, together=chosen.to is not None):
        yield _Part(listed.where(*conditions, *status), c.created_at, c.id)
    if _shows_awaited(chosen):
        yield _Part(listed.where(*conditions, awaited), c.created_at, c.id)


def _campaign_id(s: Session, tenant: str, name: str) -> int | None:
    query = select(campaign.c.id).where(campaign.c.tenant == tenant, campaign.c.name == name)
    campaign_id: int | None = s.connection().execute(query).scalar_one_or_none()
    return campaign_id


# --- filters ------------------------------------------------------------------------------------


def _statuses(
    status: ColumnElement[str],
    chosen: CallFilter,
    awaited: ColumnElement[bool],
    *,
    together: bool,
) -> Iterator[Sequence[ColumnElement[bool]]]:
    """The conditions of each status to be listed; `together`: of all of them at once, where there
    are few items anyway."""
    statuses = chosen.statuses or tuple(CallStatus)
    without: list[ColumnElement[bool]] = []
    if CallStatus.COMPLETED in chosen.statuses and _tells_awaited(chosen):
        without = [not_(and_(status == CallStatus.COMPLETED.value, awaited))]
    if together:
        if chosen.statuses:
            yield [unindexed(status).in_([each.value for each in statuses]), *without]
        else:
            yield []
        return
    for each in statuses:
        yield [status == each.value, *(without if each is CallStatus.COMPLETED else ())]


def _shown_status(
    status: ColumnElement[str], chosen: CallFilter, awaited: ColumnElement[bool]
) -> ColumnElement[str]:
    if chosen.settled_by is None:
        return status.label("status")
    waits = and_(status == CallStatus.COMPLETED.value, awaited)
    return case((waits, CallStatus.IN_PROGRESS.value), else_=status).label("status")


def _tells_awaited(chosen: CallFilter) -> bool:
    """Whether completed calls whose analysis is awaited are listed apart from other completed
    ones: as in progress (`domain.call.request.until_settled`)."""
    apart = {CallStatus.COMPLETED, CallStatus.IN_PROGRESS} & set(chosen.statuses)
    return chosen.settled_by is not None and len(apart) == 1


def _shows_awaited(chosen: CallFilter) -> bool:
    return _tells_awaited(chosen) and CallStatus.IN_PROGRESS in chosen.statuses


def _awaited(chosen: CallFilter) -> ColumnElement[bool]:
    """Of a call: it is completed, and its analysis is awaited."""
    return and_(
        call.c.status == CallStatus.COMPLETED.value,
        call.c.settled_at.is_(None),
        call.c.settle_by.is_not(None),
        call.c.settle_by > (chosen.settled_by or EPOCH),
    )


def _made_within(
    created_at: ColumnElement[datetime], chosen: CallFilter
) -> list[ColumnElement[bool]]:
    conditions = []
    if chosen.created_from is not None:
        conditions.append(created_at >= chosen.created_from)
    if chosen.created_before is not None:
        conditions.append(created_at < chosen.created_before)
    return conditions
