"""Evidence that comes late: the status stays, and what limits count takes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.record import CallRecord, RecipientState, Settled
from outdial.store.call import calls, events
from outdial.store.call.locked_call import lock_calls
from outdial.store.compliance import suppressions
from outdial.store.db.tables import call, recipient
from tests.builders import LINE, House, event, phone
from tests.store.racing import WAITS, until_somebody_waits

AGAIN = {"delays": "10m"}
ONE_A_DAY: dict[str, Any] = {"caps": [{"calls": 1, "within": "24h"}]}


def _report(house: House, *reported: CallEvent) -> list[Settled]:
    stored = house.write(lambda s: events.store_events(s, LINE, list(reported), now=house.now))
    return stored.settled


def _call(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record


def _person(house: House) -> Any:
    columns = (recipient.c.state, recipient.c.attempts, recipient.c.outcome, recipient.c.not_before)
    return house.write(lambda s: s.connection().execute(select(*columns)).one())


def _declared_not_placed(house: House, campaign: Any) -> str:
    """A call whose provider is said to have refused it."""
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail="503", now=house.now
        )
    )
    house.end(call_id, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE, may_have_rung=False)
    return call_id


@pytest.mark.parametrize(
    "facts",
    [
        {"status": CallStatus.RINGING},
        {"status": CallStatus.IN_PROGRESS},
        {"status": CallStatus.NO_ANSWER},
        {"status": CallStatus.FAILED, "failure": "misconfigured"},
        {"kind": "analysis", "transcript": "Hello?"},
    ],
)
def test_a_call_declared_not_placed_and_then_reported_is_an_attempt(
    house: House, facts: dict[str, Any]
) -> None:
    campaign = house.launch(1, **ONE_A_DAY, retry={"max_attempts": 2, "no_answer": AGAIN})
    call_id = _declared_not_placed(house, campaign)
    assert _person(house).attempts == 0
    _report(house, event("late", call_id=call_id, provider_call_id="p-1", **facts))
    assert _call(house, call_id).status is CallStatus.FAILED
    assert _person(house).attempts == 1
    house.later(minutes=30)
    assert not house.claim(campaign).calls, "the cap of one call a day is filled"
    _report(house, event("again", call_id=call_id, provider_call_id="p-1", status="ringing"))
    assert _person(house).attempts == 1, "counted once"


def test_a_redial_that_was_claimed_meanwhile_is_withdrawn_at_the_fence(house: House) -> None:
    campaign = house.launch(1, **ONE_A_DAY)
    call_id = _declared_not_placed(house, campaign)
    house.later(minutes=1)
    redial = house.claim_one(campaign).call_id
    _report(house, event("late", call_id=call_id, provider_call_id="p-1", status="ringing"))
    assert house.fence(redial).verdict == "withdrawn"


def test_an_event_about_a_call_that_never_left_proves_nothing(house: House) -> None:
    campaign = house.launch(1)
    call_id = house.claim_one(campaign).call_id
    house.end(call_id, CallStatus.CANCELED, may_have_rung=False)
    _report(house, event("stray", call_id=call_id, provider_call_id="p-1", status="ringing"))
    assert _person(house).attempts == 0


def test_a_report_before_the_recorded_refusal_makes_it_an_attempt(house: House) -> None:
    campaign = house.launch(1, **ONE_A_DAY)
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    _report(house, event("early", call_id=call_id, provider_call_id="p-1", status="ringing"))
    house.end(call_id, CallStatus.FAILED, failure=FailureClass.MISCONFIGURED, may_have_rung=False)
    assert _person(house).attempts == 1


def test_whoever_turns_out_to_have_answered_is_not_called_again(house: House) -> None:
    campaign = house.launch(1, retry={"failed": AGAIN})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, CallStatus.FAILED)
    assert _person(house).state == RecipientState.WAITING.value
    late = event(
        "a", kind="analysis", call_id=call_id, transcript="Yes, I confirm.", disposition="confirmed"
    )
    (settled,) = _report(house, late)
    assert _call(house, call_id).status is CallStatus.FAILED
    person = _person(house)
    assert (person.state, person.outcome) == (RecipientState.DONE.value, "confirmed")
    assert settled.recipient_done
    assert settled.changed


def test_one_who_answered_and_named_a_time_is_called_then(house: House) -> None:
    campaign = house.launch(1, retry={"no_answer": AGAIN})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, CallStatus.NO_ANSWER)
    then = house.now + timedelta(hours=5)
    _report(
        house,
        event(
            "a",
            call_id=call_id,
            answered_by=AnsweredBy.HUMAN,
            disposition="call_me_later",
            redial_at=then,
        ),
    )
    assert _person(house).not_before.replace(tzinfo=then.tzinfo) == then


def test_a_refusal_that_is_reported_late_suppresses_the_person(house: House) -> None:
    campaign = house.launch(1, retry={"unknown": {"delays": "10m", "max_attempts": 3}})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, CallStatus.FAILED, failure=FailureClass.UNKNOWN)
    _report(
        house, event("a", call_id=call_id, status="failed", failure="refused", detail="SIP 607")
    )
    why = house.write(lambda s: suppressions.is_suppressed(s, "default", phone(0)))
    assert why == "refused a call"
    house.later(minutes=30)
    assert not house.claim(campaign).calls


def test_a_refusal_is_final_and_suppressed_with_its_source(house: House) -> None:
    campaign = house.launch(1, retry={"failed": AGAIN, "max_attempts": 5})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    settled = house.end(
        call_id, CallStatus.FAILED, failure=FailureClass.REFUSED, detail="failed, SIP 607"
    )
    assert (settled.outcome, settled.recipient_done) == ("failed:refused", True)
    (change,) = house.write(lambda s: suppressions.history(s, "default", phone(0)))
    assert change.source == f"call {call_id} (failed, SIP 607)"


def test_a_blocked_caller_id_says_nothing_about_the_person(house: House) -> None:
    campaign = house.launch(1, retry={"failed": AGAIN, "max_attempts": 2})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    settled = house.end(call_id, CallStatus.FAILED, failure=FailureClass.BLOCKED)
    assert (settled.outcome, settled.recipient_done) == ("failed:blocked", False)
    assert not house.write(lambda s: suppressions.is_suppressed(s, "default", phone(0)))
    assert not house.claim(campaign).calls
    house.later(minutes=10)
    assert house.claim(campaign).calls


@pytest.mark.both_databases
def test_calls_are_locked_before_the_first_recipient(house: House, on_postgresql: None) -> None:
    """Whoever holds one of them may still want a recipient."""
    campaign = house.launch(4, pacing={"max_concurrent": 4})
    ids = sorted(claimed.call_id for claimed in house.claim(campaign).calls)
    _lock_beside(house, select(call.c.id).where(call.c.id == ids[-1]), ids)


@pytest.mark.both_databases
def test_recipients_are_locked_in_the_order_of_their_ids(house: House, on_postgresql: None) -> None:
    """Two transactions may share two recipients without sharing a call."""
    campaign = house.launch(9, pacing={"max_concurrent": 9})
    ids = [claimed.call_id for claimed in house.claim(campaign).calls]
    _lock_beside(house, select(recipient.c.id).order_by(recipient.c.id).limit(1), ids)


def _lock_beside(house: House, first: Any, ids: list[str]) -> None:
    """Hold the `first` row while calls are being locked: no recipient may be locked behind it."""
    last = select(recipient.c.id).order_by(recipient.c.id.desc())

    def hold(s: Any) -> Any:
        s.connection().execute(first.with_for_update(key_share=True)).all()
        running = executor.submit(house.write, lambda s: lock_calls(s, ids))
        until_somebody_waits(house.database)
        s.connection().execute(last.with_for_update(key_share=True, nowait=True)).all()
        return running

    with ThreadPoolExecutor(1) as executor:
        assert [locked.id for locked in house.write(hold).result(WAITS)] == sorted(ids)
