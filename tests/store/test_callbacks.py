"""Callbacks are applied or stored once, when their call settles, and kept until they are done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.appointment.appointment import Made, Party
from outdial.domain.call.callback_run import MIRROR, CallbackRun, CallbackRunState, CallbackState
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.store.appointments import booking
from outdial.store.call import calls, events
from outdial.store.callbacks import runs
from outdial.store.compliance.suppressions import is_suppressed
from outdial.store.roster.roster import list_recipients
from tests.builders import LINE, NOW, House, event, phone
from tests.store.test_appointments import STARTS, party, rules

WEBHOOK = {"do": "webhook", "url": "https://example.com"}


def launch(house: House, *callbacks: dict[str, Any], **changes: Any) -> CampaignRecord:
    calendar = rules().model_dump(mode="json", exclude_defaults=True)
    return house.launch(
        callbacks=list(callbacks), calendar=calendar, retry={"max_attempts": 3}, **changes
    )


def settle(house: House, campaign: CampaignRecord, **analysed: Any) -> str:
    """One answered call, with an analysis that has these fields."""
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    wait = {"analysis_wait": timedelta(seconds=30), "answered_by": AnsweredBy.HUMAN}
    house.end(call_id, CallStatus.COMPLETED, **wait)
    analysis = event(
        f"analysis-{call_id}", kind=EventKind.ANALYSIS, call_id=call_id, at=house.now, **analysed
    )
    for _ in range(2):  # a repeated event changes nothing
        house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    return call_id


def callback_run(house: House, call_id: str) -> CallbackRun | None:
    return house.write(lambda s: runs.get_callback_run(s, call_id))


def person(house: House, campaign: CampaignRecord) -> RecipientRecord:
    (row,) = house.write(lambda s: list_recipients(s, campaign.id, launch=1, limit=9))
    return row


def test_a_run_is_stored_in_the_settling_transaction(house: House) -> None:
    campaign = launch(house, {**WEBHOOK, "when": {"disposition": "booked"}}, WEBHOOK)
    run = callback_run(house, settle(house, campaign, disposition="booked"))
    assert run is not None
    assert (run.state, run.started_at) == (CallbackRunState.PENDING, None)
    assert [(entry.position, entry.state) for entry in run.entries] == [
        (0, CallbackState.PENDING),
        (1, CallbackState.PENDING),
    ]
    waiting = house.write(lambda s: runs.unstarted(s, before=house.now, limit=9))
    assert [each.call_id for each in waiting] == [run.call_id]


def test_a_call_without_matching_callbacks_has_no_run(house: House) -> None:
    campaign = launch(house, {**WEBHOOK, "when": {"disposition": "booked"}})
    assert callback_run(house, settle(house, campaign)) is None


def test_redial_at_the_requested_time_in_their_zone(house: House) -> None:
    campaign = launch(house, {"do": "redial", "when": {"disposition": "call_me_later"}})
    analysed = {"disposition": "call_me_later", "structured": {"call_at": "2026-03-05T15:00"}}
    call_id = settle(house, campaign, **analysed)
    row = person(house, campaign)
    assert row.state is RecipientState.WAITING
    assert row.not_before is not None
    assert row.not_before.isoformat() == "2026-03-05T20:00:00+00:00"
    run = callback_run(house, call_id)
    assert run is not None
    assert (run.state, run.entries[0].state) == (CallbackRunState.DONE, CallbackState.DONE)
    assert house.claim(campaign).calls == ()
    house.now = row.not_before
    assert len(house.claim(campaign).calls) == 1


def test_a_promise_waits_for_the_window(house: House) -> None:
    schedule = {"hours": "10:00-16:00"}
    campaign = launch(house, {"do": "redial"}, schedule=schedule)
    settle(house, campaign, structured={"call_at": "2026-03-05T20:00"})
    house.now = NOW + timedelta(days=1, hours=10)  # 20:00 in New York
    assert house.claim(campaign).calls == ()
    house.now = NOW + timedelta(days=2)  # 10:00 on the day after
    assert len(house.claim(campaign).calls) == 1


def test_suppress(house: House) -> None:
    campaign = launch(
        house, {"do": "suppress", "reason": "wrong number", "when": {"data": {"wrong": "yes"}}}
    )
    settle(house, campaign, structured={"wrong": "yes"})
    assert house.write(lambda s: is_suppressed(s, "default", phone(0))) == "wrong number"
    assert person(house, campaign).state is RecipientState.DONE


def test_enroll_in_another_campaign_once(house: House) -> None:
    other = house.launch(people=0, name="survey", first=50)
    campaign = launch(house, {"do": "enroll", "campaign": "survey", "variables": {"why": "a.b"}})
    run = callback_run(house, settle(house, campaign, structured={"a": {"b": "pain"}}))
    assert run is not None
    assert run.entries[0].result == {"workflow_id": "campaign/default/survey"}
    enrolled = person(house, other)
    assert (enrolled.phone, enrolled.variables["why"]) == (phone(0), "pain")
    assert len(house.claim(other).calls) == 1


@pytest.mark.parametrize(
    ("target", "note"),
    [
        ("nobody", "there is no campaign 'nobody'"),
        ("reminder", "the number is on the roster of reminder already"),
    ],
)
def test_enrolments_that_come_to_nothing_say_why(house: House, target: str, note: str) -> None:
    campaign = launch(house, {"do": "enroll", "campaign": target})
    run = callback_run(house, settle(house, campaign))
    assert run is not None
    assert (run.entries[0].state, run.entries[0].note) == (CallbackState.FOLLOW_UP, note)


def test_a_hold_ends_with_its_call(house: House) -> None:
    campaign = launch(house)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    held = Party("default", phone(0), call_id=call_id)
    until = NOW + timedelta(hours=1)

    def hold(s: Any) -> Any:
        return booking.hold(s, held, rules(), STARTS[0], key="h", now=NOW, until=until)

    house.write(hold)
    house.end(call_id)
    assert callback_run(house, call_id) is None
    free = house.write(lambda s: booking.book(s, party(2), rules(), STARTS[0], key="b", now=NOW))
    assert isinstance(free, Made)


def test_what_was_booked_in_the_call_is_mirrored_after_it(house: House) -> None:
    campaign = launch(house)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    booker = Party("default", phone(0), call_id=call_id)
    house.write(lambda s: booking.book(s, booker, rules(), STARTS[0], key="b", now=NOW))
    house.end(call_id)
    run = callback_run(house, call_id)
    assert run is not None
    assert [entry.kind for entry in run.entries] == [MIRROR]


def test_a_retry_goes_on_from_what_failed(house: House) -> None:
    campaign = launch(house, WEBHOOK, WEBHOOK, WEBHOOK)
    run = callback_run(house, settle(house, campaign))
    assert run is not None
    first, second, third = run.entries
    assert house.write(lambda s: runs.retry_callback_run(s, run.call_id, now=NOW)) is None

    def fail(s: Any) -> CallbackRun | None:
        for entry, state in (
            (first, CallbackState.DONE),
            (second, CallbackState.UNDONE),
            (third, CallbackState.FAILED),
        ):
            runs.record_callback(s, entry, state, note=None, result=None, now=NOW)
        runs.mark_started(s, [run.call_id], now=NOW)
        runs.finish_callback_run(s, run.call_id, 1, error="callback 2 (webhook) failed", now=NOW)
        return runs.retry_callback_run(s, run.call_id, now=NOW)

    again = house.write(fail)
    assert again is not None
    assert (again.state, again.run, again.started_at) == (CallbackRunState.PENDING, 2, None)
    assert [(entry.state, entry.generation) for entry in again.entries] == [
        (CallbackState.DONE, 1),
        (CallbackState.PENDING, 2),  # what was undone has another key
        (CallbackState.PENDING, 1),  # what failed may have arrived
    ]


def test_the_record_of_a_call_is_untouched_by_hostile_data(house: House) -> None:
    campaign = launch(house, {"do": "redial"}, WEBHOOK)
    hostile = {"call_at": {"$gt": ""}, "x": "'; DROP TABLE call; --", "deep": {"a": [[[]]]}}
    call_id = settle(house, campaign, structured=hostile)
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    assert record.structured == hostile
    assert record.outcome == "completed"


def test_call_me_later_without_a_zone_is_the_callees_time(house: House) -> None:
    campaign = house.launch(retry={"max_attempts": 3})
    analysed = {"disposition": "call_me_later", "structured": {"call_at": "2026-03-05T15:00"}}
    settle(house, campaign, **analysed)
    row = person(house, campaign)
    assert row.not_before is not None
    assert row.not_before.isoformat() == "2026-03-05T20:00:00+00:00"
