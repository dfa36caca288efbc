"""Appointments that people enter: calls leave their slots out, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.appointment.appointment import (
    AppointmentStatus,
    DeskAppointment,
    Made,
    NotMade,
    Party,
)
from outdial.domain.appointment.availability import Refusal
from outdial.store.appointments import desk
from outdial.store.appointments.desk import DeskChange, DeskFilter
from outdial.store.appointments.history import history_of
from outdial.store.db.database import Database
from outdial.store.db.errors import UnknownAppointment
from tests.store.test_appointments import NOW, STARTS, book, rules

ANA = Party("default", "+12125550001", title="Consultation")


def add(database: Database, key: str = "one", party: Party = ANA) -> str:
    return database.write_sync(
        lambda s: desk.add(
            s, party, rules(), STARTS[0], notes="n", details={"a": [1]}, key=key, now=NOW
        )
    )


def change(database: Database, one: str, changes: DeskChange, tenant: str = "default") -> object:
    key, now = f"{changes}", NOW + timedelta(minutes=1)
    return database.write_sync(lambda s: desk.change(s, tenant, one, changes, key=key, now=now))


def shown(database: Database, one: str, tenant: str = "default") -> DeskAppointment | None:
    return database.read_sync(lambda s: desk.get(s, tenant, one))


def test_a_call_is_not_offered_what_a_desk_has_given(database: Database) -> None:
    one = add(database)
    refused = book(database, 1, STARTS[0])
    assert isinstance(refused, NotMade)
    assert refused.refusal is Refusal.FULL
    change(database, one, DeskChange(starts_at=STARTS[2]))
    assert isinstance(book(database, 1, STARTS[0]), Made)
    assert isinstance(book(database, 2, STARTS[2]), NotMade)
    change(database, one, DeskChange(status=AppointmentStatus.CANCELED))
    assert isinstance(book(database, 2, STARTS[2]), Made)


def test_a_desk_is_refused_nothing(database: Database) -> None:
    """It knows what it does: two at once where there is room for one."""
    assert isinstance(book(database, 1, STARTS[0]), Made)
    assert add(database, "one") != add(database, "two")


def test_what_was_written_down(database: Database) -> None:
    one = add(database)
    kept = shown(database, one)
    assert kept is not None
    assert (kept.notes, kept.details, kept.updated_at) == ("n", {"a": [1]}, NOW)
    assert kept.appointment.status is AppointmentStatus.CONFIRMED
    for one_change in (
        DeskChange(status=AppointmentStatus.NO_SHOW),
        DeskChange(notes="did not come"),
        DeskChange(notes="did not come", details={}),
        DeskChange(details={}),
    ):
        assert change(database, one, one_change) is None
    after = shown(database, one)
    assert after is not None
    assert (after.notes, after.details) == ("did not come", {})
    assert after.updated_at == NOW + timedelta(minutes=1)
    changes = [each.change.value for each in database.read_sync(lambda s: history_of(s, one))]
    assert changes == ["booked", "noted", "noted", "noted"]  # the last one changed nothing


def test_another_tenants_is_none(database: Database) -> None:
    one = add(database)
    assert shown(database, one, "other") is None
    with pytest.raises(UnknownAppointment):
        change(database, one, DeskChange(notes="x"), "other")
    counted = database.read_sync(lambda s: desk.count(s, "other", DeskFilter(), up_to=9))
    assert counted == 0


def test_what_a_call_has_booked_is_shown_too(database: Database) -> None:
    made = book(database, 1, STARTS[0])
    assert isinstance(made, Made)
    listed = database.read_sync(lambda s: desk.page(s, "default", DeskFilter(), limit=10))
    assert [(one.appointment, one.made_by) for one in listed] == [(made.appointment, "call-1")]
    canceled = DeskChange(status=AppointmentStatus.CANCELED)
    assert change(database, made.appointment.id, canceled) is None
    again = change(database, made.appointment.id, DeskChange(status=AppointmentStatus.BOOKED))
    assert isinstance(again, NotMade)
