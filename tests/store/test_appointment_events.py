"""What endpoints are told of appointments: with the change, in its transaction, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment, Made, NotMade, Party
from outdial.domain.endpoint import Endpoint, EndpointKind
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.appointments import booking, changing
from tests.appointments import list_appointments
from tests.builders import House, phone
from tests.store.test_appointments import NOW, STARTS, rules
from tests.store.test_outbox import deliveries_to, listen, types

CLINIC = rules()
FIRST, SECOND = STARTS[0], STARTS[1]


class Desk:
    """Somebody at the phone who books, and changes his mind."""

    def __init__(self, house: House, call_id: str | None = None) -> None:
        self._house = house
        self._party = Party(DEFAULT_TENANT, phone(1), call_id=call_id)

    def done(self, made: Made | NotMade) -> Appointment:
        assert isinstance(made, Made), made
        return made.appointment

    def hold(self) -> Appointment:
        until = FIRST
        return self.done(
            self._house.write(
                lambda s: booking.hold(
                    s, self._party, CLINIC, FIRST, key="hold", now=NOW, until=until
                )
            )
        )

    def book(self) -> Appointment:
        return self.done(
            self._house.write(
                lambda s: booking.book(s, self._party, CLINIC, FIRST, key="book", now=NOW)
            )
        )

    def move(self, one: Appointment) -> Appointment:
        at: dict[str, Any] = {"key": "move", "now": NOW, "call_id": self._party.call_id}
        return self.done(
            self._house.write(lambda s: changing.move(s, one.id, CLINIC, SECOND, **at))
        )

    def confirm(self, one: Appointment) -> Appointment:
        at: dict[str, Any] = {"key": "confirm", "now": NOW, "call_id": self._party.call_id}
        return self.done(self._house.write(lambda s: changing.confirm(s, one.id, **at)))

    def cancel(self, one: Appointment) -> Appointment:
        at: dict[str, Any] = {"key": "cancel", "now": NOW, "call_id": self._party.call_id}
        return self.done(self._house.write(lambda s: changing.cancel(s, one.id, **at)))

    def undo(self, key: str) -> Appointment:
        again = f"undo {key}"
        return self.done(
            self._house.write(
                lambda s: changing.undo(s, DEFAULT_TENANT, CLINIC, key, undo_key=again, now=NOW)
            )
        )


def data(house: House, endpoint: Endpoint) -> list[dict[str, Any]]:
    return [json.loads(one.payload)["data"] for one in deliveries_to(house, endpoint)]


def test_every_change_is_published_once_and_in_order(house: House) -> None:
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    everything = listen(house)
    own = listen(house, "own", kind=EndpointKind.CAMPAIGN, campaign_id=campaign.id)
    another = listen(house, "another", kind=EndpointKind.CAMPAIGN, campaign_id=campaign.id + 1)
    desk = Desk(house, call.call_id)
    desk.hold()
    assert types(house, everything) == [], "what is held is promised to nobody"
    for _ in range(2):  # each wish is heard twice
        one = desk.book()
    for change in (desk.move, desk.move, desk.confirm, desk.confirm, desk.cancel, desk.cancel):
        change(one)
    assert types(house, everything) == [
        "appointment.booked", "appointment.changed", "appointment.changed", "appointment.canceled",
    ]  # fmt: skip
    assert types(house, own) == types(house, everything)
    assert types(house, another) == []
    assert {each.subject for each in deliveries_to(house, everything)} == {f"appointment/{one.id}"}


def test_what_is_published(house: House) -> None:
    call = house.claim_one(house.launch(1))
    endpoint = listen(house)
    desk = Desk(house, call.call_id)
    one = desk.confirm(desk.move(desk.book()))
    booked, moved, confirmed = data(house, endpoint)
    assert booked == {
        "id": one.id,
        "calendar": "clinic",
        "phone": phone(1),
        "title": one.title,
        "status": "booked",
        "starts_at": FIRST.isoformat(),
        "ends_at": (FIRST + CLINIC.duration).isoformat(),
        "before_starts_at": None,
        "call_id": call.call_id,
        "campaign": "reminder",
        "notes": None,
        "details": {},
        "created_at": NOW.isoformat(),
        "updated_at": NOW.isoformat(),
        "contact_id": None,
        "contact_name": None,
        "contact_email": None,
    }
    assert (moved["before_starts_at"], moved["starts_at"]) == (
        FIRST.isoformat(), SECOND.isoformat(),
    )  # fmt: skip
    assert (moved["status"], confirmed["status"]) == ("booked", "confirmed")


def test_what_is_undone_is_published(house: House) -> None:
    endpoint = listen(house)
    desk = Desk(house)
    one = desk.book()
    desk.move(one)
    desk.undo("move")
    desk.cancel(one)
    desk.undo("cancel")
    assert types(house, endpoint)[1:] == [
        "appointment.changed", "appointment.changed", "appointment.canceled", "appointment.changed",
    ]  # fmt: skip
    assert data(house, endpoint)[-1]["status"] == "booked"
    assert {each["call_id"] for each in data(house, endpoint)} == {None}


def test_a_booking_that_is_taken_back_is_canceled(house: House) -> None:
    endpoint = listen(house)
    desk = Desk(house)
    desk.book()
    desk.undo("book")
    assert types(house, endpoint) == ["appointment.booked", "appointment.canceled"]


def test_what_had_been_made_elsewhere_is_not_published(house: House) -> None:
    endpoint = listen(house)
    party = Party(DEFAULT_TENANT, phone(1), call_id=None)
    house.write(lambda s: booking.enter(s, party, CLINIC, FIRST, key="enter", now=NOW))
    assert types(house, endpoint) == []


def everything(s: Session) -> list[Appointment]:
    return list_appointments(
        s, DEFAULT_TENANT, CLINIC.name, start=STARTS[0], end=STARTS[-1], every_status=True
    )


def test_what_is_not_committed_is_not_published(house: House) -> None:
    endpoint = listen(house)
    party = Party(DEFAULT_TENANT, phone(1), call_id=None)

    def booked_in_vain(s: Session) -> None:
        booking.book(s, party, CLINIC, FIRST, key="book", now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        house.write(booked_in_vain)
    assert types(house, endpoint) == []
    assert house.write(everything) == []
