"""Lists of calls: requests and the calls of campaigns together, newest first.

What is listed is read from ranges of indexes, one for each status, each in the order of the list
and no longer than the page: a page costs what it shows, whatever the filter. The status of a
request is kept with it by triggers (revision 0031).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from outdial.store.db.ranges import Ends, Equal, between, in_range, page_of, read_in_order
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
    ranges = [part.newest(limit + offset, after) for part in parts]
    both = union_all(*(select(part.subquery()) for part in ranges)).subquery()
    statement = select(both).order_by(both.c.created_at.desc(), both.c.id.desc())
    rows = read_in_order(s, statement.limit(limit).offset(offset)).all()
    of_kind = {kind: [row.id for row in rows if row.kind == kind] for kind in (REQUEST, CALL)}
    return [row.id for row in rows], of_kind[REQUEST], of_kind[CALL]


def count(s: Session, tenant: str, chosen: CallFilter, *, up_to: int) -> int:
    """How many there are; no more are counted than `up_to`."""
    parts = [part.any_of().limit(up_to).subquery() for part in _parts(s, tenant, chosen)]
    if not parts:
        return 0
    some = union_all(*map(select, parts)).limit(up_to).subquery()
    return int(read_in_order(s, select(func.count()).select_from(some)).scalar_one())


def statuses_of_newest(
    s: Session, tenant: str, chosen: CallFilter, *, up_to: int
) -> Counter[CallStatus]:
    """In which statuses the newest are, `up_to` of them."""
    parts = [part.newest(up_to, None) for part in _parts(s, tenant, chosen)]
    if not parts:
        return Counter()
    both = union_all(*(select(part.subquery()) for part in parts)).subquery()
    newest = select(both.c.status).order_by(both.c.created_at.desc(), both.c.id.desc())
    statuses = read_in_order(s, newest.limit(up_to)).scalars()
    return Counter(CallStatus(status) for status in statuses)


@dataclass(frozen=True, slots=True)
class _Part:
    """Items of one kind that an index has in the order of the list."""

    selected: Select[Any]
    """Without what `equal` and `times` say."""
    place: Sequence[ColumnElement[Any]]
    """Time and id."""
    times: Ends
    equal: Equal = ()
    """Columns of the index before those. None where a condition leaves few items anyway."""

    def newest(self, size: int, after: Place | None) -> Select[Any]:
        if self.equal:
            return page_of(
                self.selected,
                self.equal,
                self.place,
                self.times,
                limit=size,
                after=after,
                newest_first=True,
            )
        statement = self.any_of()
        if after is not None:
            at = literal(after[0], call.c.created_at.type)
            statement = statement.where(tuple_(*self.place) < tuple_(at, after[1]))
        return statement.order_by(*(column.desc() for column in self.place)).limit(size)

    def any_of(self) -> Select[Any]:
        if self.equal:
            return self.selected.where(*in_range(self.equal, self.place, self.times))
        created_at = self.place[0]
        since = [created_at >= each for each in self.times.first]
        return self.selected.where(*since, *(created_at <= each for each in self.times.last))


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
    place, times = (c.created_at, c.public_id), between(chosen.created_from, chosen.created_before)
    of_person = [
        column == value
        for column, value in ((c.contact_id, chosen.contact_id), (c.phone, chosen.to))
        if value is not None
    ]
    of_agent = [] if chosen.agent is None else [c.agent == chosen.agent]
    if of_person:
        conditions = [c.tenant == tenant, *of_person, *of_agent]
        of_statuses = _of_statuses(c.status, chosen, awaited)
        yield _Part(listed.where(*conditions, *of_statuses), place, times)
    else:
        first = [(c.tenant, tenant)] + ([] if chosen.agent is None else [(c.agent, chosen.agent)])
        for status in _statuses(chosen):
            apart = _apart(status, c.status, chosen, awaited)
            yield _Part(listed.where(*apart), place, times, [*first, (c.status, status.value)])
    if _shows_awaited(chosen):
        statement = listed.join_from(call, recipient, LAST_CALL).join(call_request, OF_REQUEST)
        of_tenant = unindexed(c.tenant) == tenant
        statement = statement.where(_awaited(chosen), of_tenant, *of_person, *of_agent)
        yield _Part(statement, place, times)


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
    first: list[tuple[ColumnElement[Any], Any]] = [(c.tenant, tenant)]
    conditions: list[ColumnElement[bool]] = [is_of_campaign]
    if chosen.campaign is not None:
        campaign_id = _campaign_id(s, tenant, chosen.campaign)
        if campaign_id is None:
            return
        if chosen.agent is None and chosen.to is None:
            first = [(c.campaign_id, campaign_id)]
        else:
            conditions.append(c.campaign_id + 0 == campaign_id)
    if chosen.agent is not None and chosen.to is None:
        first.append((c.agent, chosen.agent))
    elif chosen.agent is not None:
        conditions.append(unindexed(c.agent) == chosen.agent)
    place, times = (c.created_at, c.id), between(chosen.created_from, chosen.created_before)
    equal = [column == value for column, value in first]
    if chosen.to is not None:
        equal.append(c.phone == chosen.to)
        of_statuses = _of_statuses(c.status, chosen, awaited)
        yield _Part(listed.where(*equal, *conditions, *of_statuses), place, times)
    else:
        for status in _statuses(chosen):
            apart = _apart(status, c.status, chosen, awaited)
            selected = listed.where(*conditions, *apart)
            yield _Part(selected, place, times, [*first, (c.status, status.value)])
    if _shows_awaited(chosen):
        yield _Part(listed.where(*equal, *conditions, awaited), place, times)


def _campaign_id(s: Session, tenant: str, name: str) -> int | None:
    query = select(campaign.c.id).where(campaign.c.tenant == tenant, campaign.c.name == name)
    campaign_id: int | None = s.connection().execute(query).scalar_one_or_none()
    return campaign_id


# --- filters ------------------------------------------------------------------------------------


def _statuses(chosen: CallFilter) -> Sequence[CallStatus]:
    return chosen.statuses or tuple(CallStatus)


def _of_statuses(
    column: ColumnElement[str], chosen: CallFilter, awaited: ColumnElement[bool]
) -> Iterator[ColumnElement[bool]]:
    """Conditions of all statuses to be listed at once, where there are few items anyway."""
    if chosen.statuses:
        yield unindexed(column).in_([each.value for each in chosen.statuses])
        for each in chosen.statuses:
            yield from _apart(each, column, chosen, awaited)


def _apart(
    status: CallStatus, column: ColumnElement[str], chosen: CallFilter, awaited: ColumnElement[bool]
) -> Iterator[ColumnElement[bool]]:
    """What leaves out completed calls that are listed as in progress, if any are."""
    if status is CallStatus.COMPLETED and status in chosen.statuses and _tells_awaited(chosen):
        yield not_(and_(column == status.value, awaited))


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
