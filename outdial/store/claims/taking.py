"""Taking people who are ready: whose window closes first goes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, null, select, union_all
from sqlmodel import Session

from outdial.domain.decision.decision import Decision, Dial, Ledger, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.line.routing import LineShare
from outdial.domain.numbers.phone import siblings, subscriber
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.store.claims.board import Board
from outdial.store.claims.candidates import (
    NOT_CALLED,
    PEOPLE,
    Decided,
    EndedRecipient,
    Person,
    find_people,
    read_ledgers,
    write_decisions,
)
from outdial.store.claims.limits import LINE_RETRY, line_rooms
from outdial.store.claims.rows import call_row, lease_row, write_calls
from outdial.store.claims.waiting import Pause
from outdial.store.compliance.subscribers import number_lock
from outdial.store.db.bulk import among
from outdial.store.db.dialect import lock_keys, on_postgresql
from outdial.store.db.tables import is_ready, lease, recipient
from outdial.store.lines.health import begin_trial

SLACK = 20
"""People read beyond the room there is, for those who turn out not to be callable now."""
NUMBER_RETRY = timedelta(seconds=5)
"""The end of another campaign's call to the same number wakes nobody here."""
_LINE_BUSY = Reason("line_busy", "the line that is left for this person takes no call now")
_NUMBER_BUSY = Reason("number_busy", "another call to this person is under way")

_READY = PEOPLE.where(is_ready).order_by(
    recipient.c.window_closes_at, recipient.c.turn, recipient.c.id
)
_READY_FOR = _READY.where(recipient.c.line == bindparam("of_line"))
"""Of a standing campaign, whose people bring lines of their own. All others have those of their
campaign, as they are now: the line that is kept with a person may be one of an earlier revision."""
_LIVE = select(lease.c.phone).where(
    lease.c.tenant == bindparam("of_tenant"),
    among(lease.c.phone, "phones"),
)
_LIVE_AND_PEOPLE = union_all(
    select(
        recipient.c.id,
        recipient.c.attempts,
        recipient.c.calls,
        recipient.c.not_before,
        null().label("phone"),
    ).where(among(recipient.c.id, "ids"), recipient.c.state.in_(NOT_CALLED)),
    select(null(), null(), null(), null(), lease.c.phone).where(
        lease.c.tenant == bindparam("of_tenant"),
        among(lease.c.phone, "phones"),
    ),
)
"""Both at once: a message more is what a claim would feel most."""


@dataclass(slots=True)
class Taking:
    """What a claim took, and what kept it from taking more."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    ended: list[EndedRecipient] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    """Recipients who are ready no longer."""
    blocked: list[Pause] = field(default_factory=list)
    """Lines that take no more for now."""
    more: bool = False
    """Somebody ready was not looked at, though there was room."""
    ran_dry: bool = False
    """There is room on a line; with `more` False, nobody ready is left for it."""


def take(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook,
    key: str,
    room: int,
    turn: int,
    fresh: Sequence[Decided],
    now: datetime,
) -> Taking:
    """Claim calls for at most `room` people who are ready, within the limits of their lines.

    `fresh` are those who were found ready just now; who of them is left over is written down.
    """
    routes = _routes(s, campaign, (each.person.line for each in fresh))
    names = sorted({share.name for shares in routes.values() for share in shares})
    board = Board(routes, line_rooms(s, campaign, names, now))
    persons, unread = _in_turn(s, campaign, board, room, [each.person for each in fresh])
    closing = {each.person.id: each.closes_at for each in fresh}
    persons.sort(key=lambda p: (closing.get(p.id, p.closes_at) or now, p.turn, p.id))
    taker = _Taker(s, campaign, rulebook, key, turn, fresh, now)
    taking, seen = taker.run(persons, room, board)
    write_decisions(s, [each for each in fresh if each.person.id not in taking.moved])
    for call in taking.calls:
        if board.rooms[call["line"]].trial:
            begin_trial(s, campaign.tenant, call["line"], call["id"], now)
    waiting = unread | {person.line for person in persons[seen:]}
    taking.more = any(board.free_for(group) > 0 for group in waiting)
    taking.ran_dry = not routes or any(board.free_for(group) > 0 for group in routes)
    taking.blocked = [Pause(found.reason, found.again_at) for found in board.full()]
    return taking


def _in_turn(
    s: Session, campaign: CampaignRecord, board: Board, room: int, fresh: Sequence[Person]
) -> tuple[list[Person], set[str]]:
    """Who is ready where there is room, and the groups of which not everybody was read."""
    known, unread = {person.id for person in fresh}, set[str]()
    persons: list[Person] = []
    for group in board.routes:
        count = board.free_for(group)
        if count <= 0:
            continue
        size = min(count, room) + SLACK
        if campaign.standing:
            found = find_people(s, campaign, _READY_FOR, size, of_line=group)
        else:
            found = find_people(s, campaign, _READY, size)
        if len(found) == size:
            unread.add(group)
        persons += [person for person in found if person.id not in known]
        persons += [person for person in fresh if person.line == group]
    return persons, unread


def _routes(
    s: Session, campaign: CampaignRecord, fresh: Iterable[str]
) -> dict[str, tuple[LineShare, ...]]:
    """The lines of each group of people, by the name of the first."""
    if not campaign.standing:
        return {campaign.plan.line: campaign.plan.shares}
    found = (
        select(recipient.c.line)
        .distinct()
        .where(
            recipient.c.campaign_id == campaign.id,
            recipient.c.launch == campaign.launch,
            is_ready,
        )
    )
    names = sorted({*s.connection().execute(found).scalars(), *fresh})
    return {name: (LineShare(name=name),) for name in names}


class _Taker:
    """One pass over people in the order of their windows."""

    def __init__(
        self,
        s: Session,
        campaign: CampaignRecord,
        rulebook: Rulebook,
        key: str,
        turn: int,
        fresh: Sequence[Decided],
        now: datetime,
    ) -> None:
        self._s = s
        self._campaign = campaign
        self._rulebook = rulebook
        self._key = key
        self._turn = turn
        self._now = now
        self._fresh = {each.person.id: each for each in fresh}

    def run(self, persons: Sequence[Person], room: int, board: Board) -> tuple[Taking, int]:
        """What was taken, and how many people were looked at.

        Counts down the room on each line with every call taken.
        """
        tenant, taking, seen = self._campaign.tenant, Taking(), 0
        busy, changed = self._lock_numbers(tenant, persons)
        earlier = {i: each.ledger for i, each in self._fresh.items() if each.ledger is not None}
        ledgers = read_ledgers(self._s, tenant, persons, self._rulebook, self._now, earlier)
        decided: list[Decided] = []
        leases: list[dict[str, Any]] = []
        for person in persons:
            if len(taking.calls) >= room:
                break
            seen += 1
            if person.id in changed:
                continue
            turn = self._turn + len(taking.calls)
            line = board.line_for(person, turn)
            if line is None:
                if board.free_for(person.line) > 0:
                    decided.append(Decided(person, Wait(self._now + LINE_RETRY, _LINE_BUSY)))
                continue
            if not busy.isdisjoint(person.subscribers):
                decided.append(Decided(person, Wait(self._now + NUMBER_RETRY, _NUMBER_BUSY)))
                continue
            decision = self._decide(person, ledgers[person.id])
            if not isinstance(decision, Dial):
                decided.append(Decided(person, decision))
                continue
            call = call_row(self._campaign, person, decision, line, self._key, turn, self._now)
            taking.calls.append(call)
            leases.append(lease_row(call, person, self._now))
            busy.update(person.subscribers)
            board.take(line)
        write_calls(self._s, taking.calls, leases)
        taking.ended = write_decisions(self._s, decided)
        taking.moved = {call["recipient_id"] for call in taking.calls}
        taking.moved |= {each.person.id for each in decided} | changed
        return taking, seen

    def _decide(self, person: Person, ledger: Ledger) -> Decision:
        known = self._fresh.get(person.id)
        if known is not None and known.ledger == ledger:
            return known.decision  # nobody has called them since
        return decide(person.candidate, person.plan, ledger, self._now, self._rulebook)

    def _lock_numbers(self, tenant: str, persons: Sequence[Person]) -> tuple[set[str], set[int]]:
        """Subscribers that a call is under way to; nobody starts one to the others meanwhile.

        All numbers of a person, since their calls count together. Beside them the people who are
        not as they were found any more: what was reported late has changed them, by whoever had
        their numbers before us. Nobody changes the others from here on.
        """
        found = sorted({number for person in persons for number in person.subscribers})
        if not found:
            return set(), set()
        lock_keys(self._s, [number_lock(tenant, number) for number in found])
        phones = [text for number in found for text in siblings(number)]
        values: dict[str, Any] = {"of_tenant": tenant, "phones": phones}
        if not on_postgresql(self._s):  # nobody else writes
            live = self._s.connection().execute(_LIVE, values)
            return set(map(subscriber, live.scalars())), set()
        values["ids"] = [person.id for person in persons]
        busy, changed = set[str](), {person.id: person for person in persons}
        for row in self._s.connection().execute(_LIVE_AND_PEOPLE, values):
            if row.phone is not None:
                busy.add(subscriber(row.phone))
            elif _as_found(changed[row.id], row):
                del changed[row.id]
        return busy, set(changed)


def _as_found(person: Person, row: Row[Any]) -> bool:
    found = person.candidate
    return (person.calls, found.attempts, found.not_before) == (
        row.calls,
        row.attempts,
        row.not_before,
    )
