"""What comes late of a call when it is another number's turn already: it is about the person, and
about the number that was called."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.store.call import events
from outdial.store.call.events import StoredEvent
from outdial.store.callbacks import chains
from outdial.store.compliance.suppressions import is_suppressed
from outdial.store.roster import roster
from tests.builders import LINE, House, draft, enroll_rows, event, phone

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


def _launch(house: House, **changes: Any) -> CampaignRecord:
    """One person with three numbers."""
    campaign = house.launch(0, retry=RETRY, **changes)
    rows = enroll_rows([draft(0, alternate_phones=(phone(1), phone(2)))])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


def _end(house: House, call_id: str, how: dict[str, Any]) -> None:
    house.place(call_id)
    house.end(call_id, **how)
    house.later(minutes=20)


def _tell(house: House, call_id: str, told: dict[str, Any]) -> StoredEvent:
    heard = event("late", call_id=call_id, **told)
    (stored,) = house.write(lambda s: events.store_events(s, LINE, [heard], now=house.now))
    return stored


def _person(house: House, campaign: CampaignRecord) -> RecipientRecord:
    (person,) = house.write(lambda s: roster.list_recipients(s, campaign.id))
    return person


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
    stored = _tell(house, call_id, LATE[late])
    assert stored.settled is not None
    assert stored.settled.listed == ALL
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
    _tell(house, call_id, LATE[late])
    assert house.fence(redial.call_id).verdict is FenceVerdict.WITHDRAWN
    assert _listed(house) == list(ALL)


def test_the_next_number_that_rings_already_is_among_those_that_were_listed(house: House) -> None:
    """Whoever is told of them ends what goes on to one of them."""
    campaign = _launch(house)
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, MOVED[0])
    house.place(house.claim_one(campaign).call_id)
    stored = _tell(house, call_id, LATE["opts out"])
    assert stored.settled is not None
    assert phone(1) in stored.settled.listed


@pytest.mark.parametrize("moved", MOVED, ids=lambda how: str(how["status"]))
def test_a_step_after_a_call_knows_all_numbers_of_the_person(
    house: House, moved: dict[str, Any]
) -> None:
    webhook = {"do": "webhook", "url": "https://example.com"}
    campaign = _launch(house, callbacks=[webhook])
    call_id = house.claim_one(campaign).call_id
    _end(house, call_id, moved)
    assert house.write(lambda s: chains.context_of(s, call_id, 0)).phones == ALL
