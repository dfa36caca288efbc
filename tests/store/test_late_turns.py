"""What comes late of a call when it is another number's turn already: it is about the person, and
about the number that was called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState, Settled
from outdial.store.call import calls, events
from outdial.store.callbacks import runs
from outdial.store.compliance.suppressions import is_suppressed, suppress_all
from outdial.store.db.database import Database
from outdial.store.db.tables import recipient
from outdial.store.roster import roster
from tests.builders import LINE, House, draft, event, located, phone
from tests.databases import empty
from tests.generating import examples

AGAIN = {"delays": "10m", "max_attempts": 9}
RETRY: dict[str, Any] = {
    "max_attempts": 9,
    "no_answer": AGAIN,
    "busy": AGAIN,
    "failed": AGAIN,
    "unknown": AGAIN,
    "voicemail": AGAIN,
}
MOVED: tuple[dict[str, Any], ...] = (
    {"status": CallStatus.NO_ANSWER},
    {"status": CallStatus.BUSY},
    {"status": CallStatus.FAILED, "failure": FailureClass.UNKNOWN},
)
"""Ends after which the next number is dialed."""
LATE: dict[str, dict[str, Any]] = {
    "opts out": {"kind": EventKind.ANALYSIS, "disposition": "opted_out"},
    "talked and opts out": {
        "status": CallStatus.COMPLETED,
        "answered_by": AnsweredBy.HUMAN,
        "disposition": "opted_out",
    },
    "refuses": {"status": CallStatus.FAILED, "failure": FailureClass.REFUSED},
}
ALL = (phone(0), phone(1), phone(2))
REJECTED = {"status": CallStatus.FAILED, "failure": FailureClass.REJECTED}
UNAVAILABLE = {"status": CallStatus.FAILED, "failure": FailureClass.UNAVAILABLE}
VOICEMAIL = {"status": CallStatus.COMPLETED, "answered_by": AnsweredBy.MACHINE}


def _launch(house: House, numbers: int = 3, **changes: Any) -> CampaignRecord:
    """One person with so many numbers."""
    campaign = house.launch(0, **({"retry": RETRY} | changes))
    rows = located([draft(0, alternate_phones=ALL[1:numbers])])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


def _end(house: House, call_id: str, how: dict[str, Any]) -> None:
    house.place(call_id)
    house.end(call_id, **how)
    house.later(minutes=20)


def _not_placed(house: House, call_id: str, how: dict[str, Any]) -> None:
    """The provider did not take it."""
    house.fence(call_id)
    failure = how["failure"]
    house.write(
        lambda s: calls.record_not_placed(s, call_id, failure=failure, detail=None, now=house.now)
    )
    house.end(call_id, may_have_rung=False, **how)
    house.later(minutes=20)


def _report(house: House, call_id: str, facts: dict[str, Any], name: str = "late") -> list[Settled]:
    reported = event(f"{name}-{call_id}", call_id=call_id, **facts)
    stored = house.write(lambda s: events.store_events(s, LINE, [reported], now=house.now))
    return stored.settled


def _person(house: House, campaign: CampaignRecord) -> RecipientRecord:
    (person,) = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1))
    return person


def _numbers(house: House) -> tuple[str, ...]:
    """The person's, in the order of their turns."""
    statement = select(recipient.c.phone, recipient.c.alternate_phones)
    row = house.write(lambda s: s.connection().execute(statement).one())
    return (row.phone, *row.alternate_phones)


def _listed(house: House) -> list[str]:
    return [
        number
        for number in ALL
        if house.write(lambda s, n=number: is_suppressed(s, "default", n)) is not None  # type: ignore[misc]
    ]


@pytest.mark.parametrize("moved", MOVED, ids=lambda how: str(how["status"]))
@pytest.mark.parametrize("late", LATE)
def test_who_refuses_late_does_so_with_the_number_whose_turn_it_is_too(
    house: House, moved: dict[str, Any], late: str
) -> None:
    campaign = _launch(house)
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, moved)
    (settled,) = _report(house, call_id, LATE[late])
    assert settled.listed == ALL
    assert _listed(house) == list(ALL)
    for _ in ALL:
        assert house.claim(campaign).calls == ()
        house.later(minutes=20)
    assert _person(house, campaign).state is RecipientState.DONE


@pytest.mark.parametrize("late", LATE)
def test_the_next_number_that_is_claimed_already_is_not_dialed(house: House, late: str) -> None:
    campaign = _launch(house)
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, MOVED[0])
    redial = house.claim_one(campaign)
    assert redial.masked.endswith("0001")
    _report(house, call_id, LATE[late])
    assert house.fence(redial.call_id).verdict is FenceVerdict.WITHDRAWN
    assert _listed(house) == list(ALL)


def test_the_next_number_that_rings_already_is_among_those_that_were_listed(house: House) -> None:
    """Whoever is told of them ends what goes on to one of them."""
    campaign = _launch(house)
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, MOVED[0])
    house.place(house.claim_one(campaign).call_id)
    (settled,) = _report(house, call_id, LATE["opts out"])
    assert phone(1) in settled.listed


@pytest.mark.parametrize("moved", MOVED, ids=lambda how: str(how["status"]))
def test_a_step_after_a_call_knows_all_numbers_of_the_person(
    house: House, moved: dict[str, Any]
) -> None:
    webhook = {"do": "webhook", "url": "https://example.com"}
    campaign = _launch(house, callbacks=[webhook])
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, moved)
    assert house.write(lambda s: runs.context_of(s, call_id, 0)).phones == ALL


@pytest.mark.parametrize("late", [VOICEMAIL, {"status": CallStatus.IN_PROGRESS}, UNAVAILABLE])
@pytest.mark.parametrize("moved", MOVED, ids=lambda how: str(how["status"]))
def test_the_turn_moves_once_for_a_call(
    house: House, moved: dict[str, Any], late: dict[str, Any]
) -> None:
    campaign = _launch(house)
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, moved)
    _report(house, call_id, late)
    assert _numbers(house) == (phone(1), phone(2), phone(0))


@pytest.mark.parametrize("late", [*MOVED, VOICEMAIL, REJECTED], ids=str)
@pytest.mark.parametrize("numbers", [2, 3])
def test_a_number_that_was_rejected_is_all_that_its_call_takes(
    house: House, numbers: int, late: dict[str, Any]
) -> None:
    """Its line did ring it, as it turns out: the person stands on the next number, and waits."""
    campaign = _launch(house, numbers)
    call_id = house.claim_one(campaign).call_id
    _not_placed(house, call_id, REJECTED)
    _report(house, call_id, late)
    assert _numbers(house) == ALL[1:numbers]
    assert _person(house, campaign).state is RecipientState.WAITING


def test_what_is_late_of_a_call_marks_no_line_for_another_number(house: House) -> None:
    campaign = _launch(house)
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, {"status": CallStatus.FAILED, "failure": FailureClass.UNKNOWN})
    _report(house, call_id, VOICEMAIL)
    marks = select(recipient.c.line_marks)
    assert house.write(lambda s: s.connection().execute(marks).scalar_one()) == {}


@pytest.mark.parametrize("refusal", [UNAVAILABLE, REJECTED], ids=lambda how: str(how["failure"]))
def test_a_number_whose_call_was_not_placed_is_not_passed_over_for_an_earlier_call(
    house: House, refusal: dict[str, Any]
) -> None:
    """The earlier call moved the turn at its own end; what it asks for is the time alone."""
    campaign = _launch(house, retry=RETRY | {"voicemail": {"delays": "5h", "max_attempts": 9}})
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, MOVED[0])
    redial = house.claim_one(campaign).call_id
    house.fence(redial)
    _report(house, call_id, VOICEMAIL)
    _not_placed(house, redial, refusal)
    stays = refusal is UNAVAILABLE
    assert _numbers(house) == ((phone(1),) if stays else ()) + (phone(2), phone(0))
    house.later(hours=4)
    assert house.claim(campaign).calls == ()


class Story:
    """One person's calls, and what is told of them."""

    def __init__(self, database: Database, numbers: int) -> None:
        empty(database)
        self.house = House(database)
        self.house.line()
        self.had = ALL[:numbers]
        self.campaign = _launch(self.house, numbers)
        self.calls: list[tuple[str, str]] = []
        """Ids, and the numbers that were called."""
        self.gone: set[str] = set()
        """Numbers that may be left out: rejected, or listed."""

    def claim(self, how: dict[str, Any], leaves: bool) -> None:
        """A call that goes on, if it leaves."""
        called = _numbers(self.house)[0]
        for claimed in self.house.claim(self.campaign).calls:
            self.calls.append((claimed.call_id, called))
            if leaves:
                self.house.fence(claimed.call_id)

    def call(self, how: dict[str, Any], taken: bool) -> None:
        """The call that goes on, or a new one, ends."""
        self.claim(how, leaves=False)
        if not self.calls:
            return
        call_id, called = self.calls[-1]
        self._note(called, how)
        if taken or "failure" not in how:
            _end(self.house, call_id, how)
        elif self._waits(call_id):
            _not_placed(self.house, call_id, how)

    def report(self, facts: dict[str, Any], last: bool) -> None:
        if self.calls:
            call_id, called = self.calls[-1 if last else 0]
            self._note(called, facts)
            _report(self.house, call_id, facts, str(facts))

    def list(self, how: dict[str, Any], last: bool) -> None:
        number = _numbers(self.house)[-1 if last else 0]
        self.gone.add(number)
        now = self.house.now
        self.house.write(
            lambda s: suppress_all(s, "default", [number], "asked", now=now, source="test")
        )

    def check(self) -> None:
        numbers = _numbers(self.house)
        assert len(numbers) == len(set(numbers)), "a number twice"
        assert set(numbers) <= set(self.had)
        assert set(self.had) - set(numbers) <= self.gone, "a number was lost"

    def _waits(self, call_id: str) -> bool:
        record = self.house.write(lambda s: calls.get_call(s, call_id))
        return record is not None and not record.status.terminal

    def _note(self, called: str, facts: dict[str, Any]) -> None:
        if facts.get("failure") is FailureClass.REJECTED:
            self.gone.add(called)
        if facts.get("failure") is FailureClass.REFUSED or facts.get("disposition") == "opted_out":
            self.gone.update(self.had)


ends = st.sampled_from([*MOVED, VOICEMAIL, REJECTED, UNAVAILABLE, LATE["refuses"]])
reports = st.sampled_from([VOICEMAIL, *MOVED, VOICEMAIL, REJECTED, *LATE.values()])
acts = st.one_of(
    st.tuples(st.sampled_from([Story.call, Story.claim]), ends, st.booleans()),
    st.tuples(st.sampled_from([Story.report, Story.report, Story.list]), reports, st.booleans()),
)


@settings(max_examples=examples(100), deadline=None)
@given(
    first=st.tuples(ends, st.booleans()),
    numbers=st.sampled_from([3, 2]),
    steps=st.lists(acts, min_size=1, max_size=6),
)
def test_a_person_loses_no_number_whatever_comes_late(
    session_database: Database, first: tuple[Any, bool], numbers: int, steps: list[Any]
) -> None:
    """But those that were rejected or listed, and none stands twice."""
    story = Story(session_database, numbers)
    story.call(*first)
    for act, how, choice in steps:
        act(story, how, choice)
        story.check()
