"""Appointments, as calls and people make and change them, and callbacks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from outdial.domain.appointment.appointment import AppointmentStatus, Change, Made, NotMade, Party
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.call.callback_run import CallbackState
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus
from outdial.store.appointments import booking, changing, desk, history, lookup, roster, slots
from outdial.store.appointments.desk import DeskChange, DeskFilter
from outdial.store.call import events
from outdial.store.callbacks import runs
from tests import builders
from tests.builders import LINE
from tests.history.filling import CALENDAR, phone_of
from tests.history.operations.registry import NOBODY, TENANT, Scene, operation

_NEW = 920_000
_FIVE = timedelta(minutes=5)
_RULES: dict[str, Any] = {"name": CALENDAR, "time_zone": "UTC", "hours": "00:00-24:00"}


def _rules() -> CalendarRules:
    return CalendarRules.model_validate(_RULES)


def _in_two_years(scene: Scene) -> datetime:
    """Behind all that is booked."""
    return scene.house.now.replace(year=2028, minute=0, second=0, microsecond=0)


@operation
def appointments_made_by_calls(scene: Scene) -> None:
    now, rules = scene.house.now, _rules()
    taken = scene.do(lambda s: lookup.by_id(s, "appointment-7"))
    assert taken is not None
    for number, start in enumerate((taken.starts_at, _in_two_years(scene), now)):
        party = Party(TENANT, builders.phone(_NEW + number), call_id=f"call-{7 + number}")
        scene.do(
            lambda s, p=party, at=start: booking.hold(  # type: ignore[misc]
                s, p, rules, at, key=f"hold-{p.phone}", now=now, until=now + _FIVE
            )
        )
        made: Made | NotMade = scene.do(
            lambda s, p=party, at=start: booking.book(  # type: ignore[misc]
                s, p, rules, at, key=f"book-{p.phone}", now=now
            )
        )
        if isinstance(made, NotMade):
            continue
        id = made.appointment.id
        for step, change in enumerate((changing.confirm, changing.cancel)):
            scene.do(
                lambda s, c=change, i=id, k=step: c(s, i, key=f"{i}-{k}", now=now, call_id="call-7")  # type: ignore[misc]
            )
        scene.do(
            lambda s, p=party: changing.undo(  # type: ignore[misc]
                s, TENANT, rules, f"book-{p.phone}", undo_key=f"undo-{p.phone}", now=now
            )
        )
        scene.do(lambda s, i=id: lookup.record_mirrored(s, i, 1, "e"))  # type: ignore[misc]


@operation
def appointments_of_the_history_changed(scene: Scene) -> None:
    now, rules = scene.house.now, _rules()
    start = _in_two_years(scene) + timedelta(hours=1)
    scene.do(
        lambda s: changing.move(
            s, "appointment-7", rules, start, key="moved", now=now, call_id="call-7"
        )
    )
    scene.do(lambda s: changing.undo(s, TENANT, rules, "moved", undo_key="back", now=now))
    party = Party(TENANT, builders.phone(_NEW + 30), call_id="call-30")
    roomy = rules.model_copy(update={"capacity": 3})
    soon = now.replace(minute=0, second=0) + timedelta(days=2)
    scene.do(
        lambda s: booking.hold(
            s, party, roomy, soon, key="expires", now=now, until=now + timedelta(minutes=1)
        )
    )
    scene.do(lambda s: slots.release_expired(s, TENANT, CALENDAR, now + timedelta(minutes=2)))


@operation
def appointments_entered(scene: Scene) -> None:
    house, rules = scene.house, _rules()
    party = Party(TENANT, phone_of(7))
    for start in (_in_two_years(scene) + timedelta(hours=2), house.now):
        scene.do(
            lambda s, at=start: booking.enter(  # type: ignore[misc]
                s, party, rules, at, key=f"enter-{at}", now=house.now
            )
        )
    calendar = {"name": CALENDAR, "time_zone": "UTC"}
    campaign = house.launch(0, "entering", calendar=calendar)
    at = _in_two_years(scene) + timedelta(hours=3)
    drafts = [builders.draft(0, phone=builders.phone(_NEW + 20), appointment_at=at)]
    rows = builders.located(drafts)
    scene.do(lambda s: _enroll(s, campaign.id, rows))
    scene.do(lambda s: roster.enter_existing(s, campaign, 1, drafts, now=house.now))


def _enroll(s: Any, campaign_id: int, rows: Any) -> None:
    from outdial.store.roster.roster import enroll_chunk

    enroll_chunk(s, campaign_id, 1, 0, rows)


@operation
def look_ups_of_appointments(scene: Scene) -> None:
    now = scene.house.now
    for n, call_id in ((7, "call-7"), (900_000, NOBODY)):
        phones = [phone_of(n)]
        scene.do(lambda s, p=phones: lookup.next_of_person(s, TENANT, CALENDAR, p, now, 3))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: lookup.of_call(s, c))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: lookup.changed_by_call(s, c))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: lookup.booked_by_call(s, c, CALENDAR))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: history.change_of_call(s, c, CALENDAR, Change.BOOKED))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: slots.release_of_call(s, c, now))  # type: ignore[misc]
    scene.do(lambda s: lookup.by_id(s, NOBODY))
    scene.do(lambda s: history.history_of(s, "appointment-7"))
    soon = now + timedelta(days=1)
    scene.do(lambda s: slots.read_taken(s, TENANT, _rules(), now, soon))


@operation
def uids_of_appointments_to_come(scene: Scene) -> None:
    far = scene.house.now + timedelta(days=364)
    scene.do(lambda s: lookup.uids(s, TENANT, CALENDAR, far))


@operation
def appointments_of_the_desk(scene: Scene) -> None:
    now, rules = scene.house.now, _rules()
    party = Party(TENANT, phone_of(9))
    at = _in_two_years(scene) + timedelta(hours=4)
    id = scene.do(
        lambda s: desk.add(s, party, rules, at, notes=None, details={}, key="desk", now=now)
    )
    for step, change in enumerate(
        (
            DeskChange(starts_at=at + timedelta(hours=1)),
            DeskChange(notes="early"),
            DeskChange(status=AppointmentStatus.CANCELED),
        )
    ):
        scene.do(
            lambda s, c=change, k=step: desk.change(s, TENANT, id, c, key=f"desk-{k}", now=now)  # type: ignore[misc]
        )
    for one in (id, "appointment-7", NOBODY):
        scene.do(lambda s, i=one: desk.get(s, TENANT, i))  # type: ignore[misc]
    scene.do(lambda s: desk.page(s, TENANT, DeskFilter(), limit=10))


def _settled(scene: Scene, name: str, first: int, **changes: Any) -> str:
    house = scene.house
    campaign = house.launch(1, name, first=first, **changes)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    analysis = builders.event(
        f"{call_id}-a", kind=EventKind.ANALYSIS, call_id=call_id, structured={"a": "b"}
    )
    scene.do(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    house.end(call_id, CallStatus.COMPLETED)
    return call_id


@operation
def callbacks_of_a_call(scene: Scene) -> None:
    house = scene.house
    house.launch(0, "survey")
    callbacks = [
        {"do": "webhook", "url": "https://example.com"},
        {"do": "enroll", "campaign": "survey", "variables": {"why": "a"}},
        {"do": "suppress", "reason": "wrong number"},
    ]
    calendar = {"name": CALENDAR, "time_zone": "UTC"}
    call_id = _settled(scene, "with-callbacks", _NEW + 40, callbacks=callbacks, calendar=calendar)
    run = scene.do(lambda s: runs.get_callback_run(s, call_id))
    assert run is not None
    scene.do(lambda s: runs.unstarted(s, before=house.now, limit=10))
    scene.do(lambda s: runs.unstarted(s, before=house.now, limit=10, without=[NOBODY]))
    scene.do(lambda s: runs.mark_started(s, [call_id], now=house.now))
    scene.do(lambda s: runs.unfinished(s, before=house.now, limit=10, after=None))
    after = scene.do(lambda s: runs.get_callback_run(s, call_id))
    scene.do(lambda s: runs.unfinished(s, before=house.now, limit=10, after=after))
    scene.do(lambda s: runs.context_of(s, call_id, 0))
    entry = run.entries[0]
    scene.do(
        lambda s: runs.record_callback(
            s, entry, CallbackState.FAILED, note=None, result=None, now=house.now
        )
    )
    scene.do(lambda s: runs.mark_unstarted(s, call_id, 1))
    scene.do(lambda s: runs.finish_callback_run(s, call_id, 1, error="no", now=house.now))
    scene.do(lambda s: runs.retry_callback_run(s, call_id, now=house.now))
    scene.do(lambda s: runs.get_callback_run(s, NOBODY))


@operation
def callback_runs_listed(scene: Scene) -> None:
    campaign_id = scene.history.campaign.id
    for state in (None, *CallbackState):
        scene.do(
            lambda s, x=state: runs.list_callback_runs(s, campaign_id, state=x, limit=10)  # type: ignore[misc]
        )
    scene.do(lambda s: runs.called_by(s, ["call-7", "call-11", NOBODY]))
    scene.do(lambda s: runs.callback_runs_of(s, ["call-7", "call-10", "call-11"]))
