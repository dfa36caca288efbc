"""Recipients that are staged for a revision, and those of the launch it is applied to: who is new,
whose values change, and who is not in the file any more.

A staged row and a recipient are the same person if the row's number is the one to call next, or one
that was called before: the numbers of a person take turns, and are dropped. Nobody who is done is
called again, whatever the rows say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, delete, func, or_, select, update
from sqlmodel import Session

from outdial.domain.call.status import OUTCOME_CANCELED, OUTCOME_REFUSED, REMOVED
from outdial.domain.record import CampaignRecord, RecipientState, StagingRecord
from outdial.store.db.bulk import among
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import EPOCH, call, recipient, roster_chunk

STEP = 1000
CHUNKS_AT_ONCE = 4
"""Of drafts, each of up to a thousand."""
_WAITING, _READY, _DONE = (
    RecipientState.WAITING.value,
    RecipientState.READY.value,
    RecipientState.DONE.value,
)
_CALLED = (RecipientState.CALLING.value, RecipientState.SETTLING.value)
_PERSON = [
    recipient.c[name]
    for name in ("id", "phone", "alternate_phones", "zones", "consent", "variables")
]
_ATTEMPTED = [
    recipient.c[name]
    for name in (
        "state", "outcome", "reason", "calls", "attempts", "not_before", "promised", "line_marks",
    )
]  # fmt: skip
_IS_KEPT = or_(
    recipient.c.state != _DONE,
    recipient.c.outcome.is_(None),
    recipient.c.outcome != OUTCOME_REFUSED,
)
"""A row that was refused is nobody's: its number may be added again."""
_CHANGE = (
    update(recipient)
    .where(recipient.c.id == bindparam("of_id"))
    .values({name: bindparam(f"new_{name}") for name in ("variables", "zones", "consent")})
    .values(alternate_phones=bindparam("new_alternates"))
)
_BY_NUMBER = (
    update(recipient)
    .where(recipient.c.id == bindparam("of_id"))
    .values(phone=bindparam("new_phone"), alternate_phones=bindparam("new_alternates"))
)
_NUMBERS_CALLED = Lookup(select(call.c.recipient_id, call.c.phone), call.c.recipient_id, "ids")
_REMOVED_DURING_CALL = recipient.c.state.in_(_CALLED) & (recipient.c.reason == REMOVED)
_REMOVED_BEFORE_A_CALL = and_(
    recipient.c.state == _DONE,
    recipient.c.reason == REMOVED,
    recipient.c.outcome == OUTCOME_CANCELED,
)
"""By an earlier revision: people who come back when a row is about them."""


ListedAmong = Callable[[Collection[str]], Collection[str]]
"""Those of some numbers that are the first of a row."""


@dataclass(frozen=True, slots=True)
class RosterComparison:
    """How the rows of a revision and the launch's recipients relate."""

    added: int = 0
    """Rows of people who are new."""
    changed: int = 0
    """People whose values change, or who were removed and come back."""
    same: int = 0
    missing: int = 0
    """Recipients, not done yet, that no row is about."""

    def __add__(self, other: RosterComparison) -> RosterComparison:
        return RosterComparison(
            self.added + other.added,
            self.changed + other.changed,
            self.same + other.same,
            self.missing + other.missing,
        )


@dataclass(frozen=True, slots=True)
class RosterMatch:
    """A staged row, and the person on the roster it is about."""

    row: Mapping[str, Any]
    person: RowMapping
    lost: bool = False
    """The person lost the row's first number without a call on it: the row is as if it began with
    the number they go by now."""


def compare_rows(
    s: Session, record: CampaignRecord, of: StagingRecord, after: int, limit: int = STEP
) -> tuple[RosterComparison, int | None]:
    """Compare the next staged rows behind a position; with the last one's position, None when there
    are no more.

    Rows of people who go by another number of theirs now get it as their first, by which they are
    found from then on.
    """
    rows = _staged(s, record, of, recipient.c.position > after, limit)
    if not rows:
        return RosterComparison(), None
    matched = _matched(s, record, of, rows)
    lost = [_numbers(each.row) for each in matched if each.lost]
    if lost:
        s.connection().execute(_BY_NUMBER, lost)
    changed = sum(_differs(each) for each in matched)
    waiting = sum(row["state"] == _WAITING for row in rows)
    added = waiting - sum(each.row["state"] == _WAITING for each in matched)
    counts = RosterComparison(added, changed, len(rows) - added - changed)
    return counts, int(rows[-1]["position"])


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "of_id": row["id"],
        "new_phone": row["phone"],
        "new_alternates": row["alternate_phones"],
    }


def count_missing(
    s: Session, record: CampaignRecord, of: StagingRecord, position: int, limit: int = STEP
) -> tuple[RosterComparison, int | None]:
    """How many of the launch's next recipients, from a position on, have no row; with the position
    to go on from."""
    people = _people_before(s, record, of, position, limit)
    missing = RosterComparison(missing=len(_missing(s, people, partial(_listed, s, record, of))))
    return missing, None if not people else int(people[-1]["position"]) + 1


def count_unlisted(
    s: Session, record: CampaignRecord, listed: Collection[str], position: int, limit: int = STEP
) -> tuple[int, int | None]:
    """How many of the present launch's next recipients, from a position on, are not done and on no
    row of a file, whose rows have these first numbers; with the position to go on from."""
    people = _people_from(s, record, record.launch, position, limit)
    missing = len(_missing(s, people, among_listed(listed)))
    return missing, None if not people else int(people[-1]["position"]) + 1


def merge_rows(s: Session, record: CampaignRecord, of: StagingRecord, last: int) -> None:
    """Give people of the launch the values of their rows, up to a position, and delete these rows:
    what is left are new people."""
    rows = _staged(s, record, of, recipient.c.position <= last, None)
    matched = _matched(s, record, of, rows)
    changed = [each for each in matched if _differs(each)]
    if changed:
        s.connection().execute(_CHANGE, [merged_values(each) for each in changed])
        _decide_anew(s, [each.person["id"] for each in changed])
    if matched:
        gone = delete(recipient).where(among(recipient.c.id, "ids"))
        s.connection().execute(gone, {"ids": [each.row["id"] for each in matched]})


def move_new_drafts(s: Session, record: CampaignRecord, of: StagingRecord) -> bool:
    """Give the launch the next chunks of staged drafts, which are there for appointments that
    people have already; whether there may be more chunks.

    The rows must have been moved. Drafts of people who were there before are dropped: they would be
    enrolled a second time.
    """
    here = roster_chunk.c.campaign_id == record.id, roster_chunk.c.launch == of.row_launch
    query = (
        select(roster_chunk.c.sequence, roster_chunk.c.drafts)
        .where(*here)
        .order_by(roster_chunk.c.sequence)
        .limit(CHUNKS_AT_ONCE)
    )
    added = select(recipient.c.position).where(
        recipient.c.campaign_id == record.id,
        recipient.c.launch == of.launch,
        among(recipient.c.position, "positions"),
    )
    chunks = s.connection().execute(query).all()
    for chunk in chunks:
        positions = [draft["position"] for draft in chunk.drafts]
        new = frozenset(s.connection().execute(added, {"positions": positions}).scalars())
        kept = [draft for draft in chunk.drafts if draft["position"] in new]
        this = (*here, roster_chunk.c.sequence == chunk.sequence)
        if kept:
            moved = {"drafts": kept, "launch": of.launch}
            s.connection().execute(update(roster_chunk).where(*this).values(moved))
        else:
            s.connection().execute(delete(roster_chunk).where(*this))
    return len(chunks) >= CHUNKS_AT_ONCE


def delete_rows_to(s: Session, record: CampaignRecord, of: StagingRecord, last: int) -> None:
    """Delete the staged rows up to a position."""
    s.connection().execute(
        delete(recipient).where(
            recipient.c.campaign_id == record.id,
            recipient.c.launch == of.row_launch,
            recipient.c.position <= last,
        )
    )


def remove_missing(
    s: Session, record: CampaignRecord, of: StagingRecord, position: int, limit: int = STEP
) -> int | None:
    """End the launch's next recipients that have no row, from a position on; the position to go on
    from, None when there are no more. The call to one of them that is under way is the last.

    The campaign's claim state must be locked: claims take people who are to be ended.
    """
    people = _people_before(s, record, of, position, limit + 1)
    missing = _missing(s, people[:limit], partial(_listed, s, record, of))
    if missing:
        these = update(recipient).where(among(recipient.c.id, "ids"))
        # In this order: a call that settles in between makes its recipient wait.
        last_call = these.where(recipient.c.state.in_(_CALLED), ~recipient.c.withdrawn).values(
            withdrawn=True, reason=REMOVED
        )
        end = these.where(recipient.c.state.in_((_WAITING, _READY))).values(
            state=_DONE, outcome=OUTCOME_CANCELED, reason=REMOVED
        )
        for statement in (last_call, end):
            s.connection().execute(statement, {"ids": missing})
    return int(people[limit]["position"]) if len(people) > limit else None


def _staged(
    s: Session, record: CampaignRecord, of: StagingRecord, where: Any, limit: int | None
) -> Sequence[RowMapping]:
    query = (
        select(*_PERSON, recipient.c.position, recipient.c.state)
        .where(recipient.c.campaign_id == record.id, recipient.c.launch == of.row_launch, where)
        .order_by(recipient.c.position)
        .limit(limit)
    )
    return s.connection().execute(query).mappings().all()


def people_by_number(
    s: Session,
    record: CampaignRecord,
    launch: int,
    rows: Mapping[str, Sequence[str]],
    listed_among: ListedAmong,
) -> dict[str, RowMapping]:
    """A launch's recipients by the numbers of rows: who is called on it next, else who was called
    on it, else who lost it without a call, and goes by another number of the row. `rows` have
    their other numbers by their first."""
    phones = list(rows)
    here = recipient.c.campaign_id == record.id, recipient.c.launch == launch
    called = (
        select(call.c.phone.label("number"), *_PERSON, *_ATTEMPTED)
        .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
        .where(
            call.c.tenant == record.tenant,
            among(call.c.phone, "phones"),
            # Written so that no index fits: few calls are to these numbers, many of the campaign.
            call.c.campaign_id + 0 == record.id,
            call.c.launch == launch,
        )
    )
    next_one = select(recipient.c.phone.label("number"), *_PERSON, *_ATTEMPTED).where(
        *here, among(recipient.c.phone, "phones"), _IS_KEPT
    )
    by_number: dict[str, RowMapping] = {}
    for query in (called, next_one):
        people = s.connection().execute(query, {"phones": phones}).mappings()
        by_number |= {person["number"]: person for person in people}
    others = {
        other: phone
        for phone, alternates in rows.items()
        if phone not in by_number
        for other in alternates
    }
    for own in listed_among(others):
        del others[own]  # it is the first number of another row
    if others:
        people = s.connection().execute(next_one, {"phones": sorted(others)}).mappings()
        by_number |= {others[person["number"]]: person for person in people}
    return by_number


def _matched(
    s: Session, record: CampaignRecord, of: StagingRecord, rows: Sequence[RowMapping]
) -> list[RosterMatch]:
    """The rows that are about somebody on the roster."""
    numbers = {row["phone"]: row["alternate_phones"] for row in rows}
    present = people_by_number(s, record, of.launch, numbers, partial(_listed, s, record, of))
    return [match_row(dict(row), present[row["phone"]]) for row in rows if row["phone"] in present]


def match_row(row: dict[str, Any], person: RowMapping) -> RosterMatch:
    """A row and the recipient that it is about, one of `people_by_number`."""
    number = person["number"]
    if number == row["phone"]:
        return RosterMatch(row, person)
    others = [each for each in row["alternate_phones"] if each != number]
    return RosterMatch(row | {"phone": number, "alternate_phones": others}, person, lost=True)


def among_listed(listed: Collection[str]) -> ListedAmong:
    """Of a file whose rows have these first numbers."""
    return lambda phones: frozenset(phone for phone in phones if phone in listed)


def _people_before(
    s: Session, record: CampaignRecord, of: StagingRecord, position: int, limit: int
) -> Sequence[RowMapping]:
    """The launch's next recipients. Those that were added while the rows were written stand behind
    the first of these, and are left out: they stay."""
    rows = select(func.min(recipient.c.position)).where(
        recipient.c.campaign_id == record.id, recipient.c.launch == of.row_launch
    )
    first = s.connection().execute(rows).scalar_one()
    return _people_from(s, record, of.launch, position, limit, before=first)


def _people_from(
    s: Session,
    record: CampaignRecord,
    launch: int,
    position: int,
    limit: int,
    *,
    before: int | None = None,
) -> Sequence[RowMapping]:
    query = select(
        recipient.c.id,
        recipient.c.phone,
        recipient.c.calls,
        recipient.c.position,
        recipient.c.state,
    ).where(
        recipient.c.campaign_id == record.id,
        recipient.c.launch == launch,
        recipient.c.position >= position,
    )
    if before is not None:
        query = query.where(recipient.c.position < before)
    query = query.order_by(recipient.c.position).limit(limit)
    return s.connection().execute(query).mappings().all()


def _missing(s: Session, people: Iterable[RowMapping], listed_among: ListedAmong) -> list[int]:
    """Ids of those, not done, that no row is about."""
    left = [each for each in people if each["state"] != _DONE]
    numbers: dict[int, set[str]] = {each["id"]: {each["phone"]} for each in left}
    called = [each["id"] for each in left if each["calls"]]
    if called:
        for row in _NUMBERS_CALLED.execute(s, {"ids": called}):
            numbers[row.recipient_id].add(row.phone)
    listed = listed_among({number for each in numbers.values() for number in each})
    return [id for id, each in numbers.items() if each.isdisjoint(listed)]


def _listed(
    s: Session, record: CampaignRecord, of: StagingRecord, phones: Collection[str]
) -> frozenset[str]:
    if not phones:
        return frozenset()
    query = select(recipient.c.phone).where(
        recipient.c.campaign_id == record.id,
        recipient.c.launch == of.row_launch,
        among(recipient.c.phone, "phones"),
    )
    return frozenset(s.connection().execute(query, {"phones": sorted(phones)}).scalars())


def _differs(match: RosterMatch) -> bool:
    """Whether a row changes a person who may still be called."""
    row, person = match.row, match.person
    if row["state"] == _DONE:  # it was refused
        return False
    if person["state"] == _DONE:
        return comes_back(person)
    if person["reason"] == REMOVED:  # its call is the last, until now
        return True
    new = merged_values(match)
    return any(
        new[f"new_{name}"] != person[of]
        for name, of in (
            ("variables", "variables"),
            ("zones", "zones"),
            ("consent", "consent"),
            ("alternates", "alternate_phones"),
        )
    )


def comes_back(person: RowMapping) -> bool:
    """Whether a recipient was removed before any call, so that a row calls it again."""
    removed = (person["reason"], person["outcome"]) == (REMOVED, OUTCOME_CANCELED)
    return removed and bool(person["state"] == _DONE)


def merged_values(match: RosterMatch) -> dict[str, Any]:
    """The values of a person whose row is read. Numbers stay in their turns once one was called."""
    row, person = match.row, match.person
    numbers = {person["phone"], *person["alternate_phones"]}
    same = numbers == {row["phone"], *row["alternate_phones"]}
    uncalled = not person["calls"]
    return {
        "of_id": person["id"],
        "new_variables": row["variables"],
        "new_consent": row["consent"],
        "new_zones": row["zones"] if same or uncalled else person["zones"],
        "new_alternates": row["alternate_phones"] if uncalled else person["alternate_phones"],
    }


def _decide_anew(s: Session, ids: Sequence[int]) -> None:
    """Those who wait, and those whom an earlier revision removed."""
    own_time = func.coalesce(recipient.c.not_before, EPOCH)
    these = update(recipient).where(among(recipient.c.id, "ids"))
    go_on = these.where(_REMOVED_DURING_CALL).values(withdrawn=False, reason=None)
    waits = recipient.c.state.in_((_WAITING, _READY))
    wait = these.where(or_(waits, _REMOVED_BEFORE_A_CALL)).values(
        state=_WAITING,
        due_at=own_time,
        outcome=func.nullif(recipient.c.outcome, OUTCOME_CANCELED),
        reason=None,
        withdrawn=False,
    )
    for statement in (go_on, wait):
        s.connection().execute(statement, {"ids": ids})
