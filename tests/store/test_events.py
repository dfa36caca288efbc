from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import AnsweredBy, CallStatus, Fence
from outdial.domain.record import DEFAULT_TENANT, CallRecord
from outdial.store.call import calls, events
from outdial.store.call.events import StoredEvents, UnsignalledEvent
from tests.builders import LINE, House, event
from tests.store.racing import race

pytestmark = pytest.mark.both_databases

RINGING, IN_PROGRESS = CallStatus.RINGING, CallStatus.IN_PROGRESS


def _stored(house: House, *reported: CallEvent, line: str = LINE) -> StoredEvents:
    return house.write(lambda s: events.store_events(s, line, reported, now=house.now))


def _store(house: House, *reported: CallEvent, line: str = LINE) -> list[CallEvent]:
    return _stored(house, *reported, line=line).events


def _mark(house: House, stored: list[CallEvent]) -> None:
    keys = [(DEFAULT_TENANT, LINE, each.event_id) for each in stored]
    house.write(lambda s: events.mark_signalled(s, keys, now=house.now))


def _call(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record


def _fenced(house: House) -> str:
    call_id = house.claim_one(house.launch(1)).call_id
    house.fence(call_id)
    return call_id


def _missed(house: House, limit: int = 10) -> list[UnsignalledEvent]:
    return house.write(lambda s: events.unsignalled_events(s, before=house.now, limit=limit))


def test_an_event_is_matched_by_the_id_that_was_echoed(house: House) -> None:
    call_id = _fenced(house)
    result = _stored(house, event(call_id=call_id, provider_call_id="p1", status=RINGING))
    (stored,) = result.events
    call = _call(house, call_id)
    assert result.new == [stored]
    assert (stored.call_id, stored.workflow_id) == (call_id, call.workflow_id)
    assert (call.status, call.provider_call_id, call.fence) == (RINGING, "p1", Fence.PLACED)
    assert call.ringing_at == house.now


def test_an_event_is_matched_by_the_providers_id(house: House) -> None:
    call_id = _fenced(house)
    house.place(call_id, "p1")
    (stored,) = _store(house, event(provider_call_id="p1", status=IN_PROGRESS))
    assert stored.call_id == call_id
    assert _call(house, call_id).status is IN_PROGRESS
    record = house.write(lambda s: calls.get_call_by_provider_id(s, LINE, "p1"))
    assert record == _call(house, call_id)
    assert house.write(lambda s: calls.get_call_by_provider_id(s, "other", "p1")) is None


@pytest.mark.parametrize("order", [1, -1])
def test_an_event_that_names_the_call_introduces_the_providers_id(house: House, order: int) -> None:
    """Both may be stored at once, in either order, as if it came first."""
    call_id = _fenced(house)
    introduces = event("e1", call_id=call_id, provider_call_id="p1", status=RINGING)
    alone = event("e2", provider_call_id="p1", status=IN_PROGRESS)
    stored = _store(house, *[introduces, alone][::order])
    assert [each.call_id for each in stored] == [call_id, call_id]
    assert _call(house, call_id).status is IN_PROGRESS


def test_an_event_of_another_line_touches_nothing(house: House) -> None:
    call_id = _fenced(house)
    (stored,) = _store(
        house,
        event(call_id=call_id, provider_call_id="p1", status=RINGING),
        line="other",
    )
    assert (stored.call_id, stored.workflow_id) == (None, None)
    assert _call(house, call_id).status is CallStatus.QUEUED


def test_an_event_comes_once(house: House) -> None:
    call_id = _fenced(house)
    reported = event(call_id=call_id, status=RINGING)
    twice, again = _stored(house, reported, reported), _stored(house, reported)
    assert [len(twice.events), len(twice.new)] == [2, 1]
    assert [len(again.events), len(again.new)] == [1, 0]
    assert again.events[0].call_id == call_id
    house.later(seconds=1)
    assert len(_missed(house)) == 1


def test_an_event_stored_by_many_at_once_comes_once(house: House) -> None:
    call_id = _fenced(house)
    reported = [event(f"e{i}", call_id=call_id, status=RINGING) for i in range(4)]
    stored = race(
        [lambda: _stored(house, *reported), lambda: _stored(house, *reversed(reported))] * 4
    )
    assert sum(len(some.new) for some in stored) == 4


def test_events_before_the_response_are_bound_by_it(house: House) -> None:
    call_id = _fenced(house)
    early = event("e1", provider_call_id="p1", status=RINGING)
    analysis = event("e2", provider_call_id="p1", kind="analysis", disposition="booked")
    assert [stored.call_id for stored in _store(house, early, analysis)] == [None, None]
    assert house.place(call_id, "p1") == [early, analysis]
    call = _call(house, call_id)
    assert (call.status, call.disposition) == (RINGING, "booked")
    assert house.place(call_id, "p1") == [early, analysis]


def test_events_that_were_signalled_are_not_given_back(house: House) -> None:
    call_id = _fenced(house)
    stored = _store(
        house,
        event("e1", call_id=call_id, status=RINGING),
        event("e2", call_id=call_id, status=IN_PROGRESS),
    )
    _mark(house, stored[:1])
    assert [each.event_id for each in house.place(call_id, "p1")] == ["e2"]


def test_an_event_and_the_response_that_race_find_each_other(house: House) -> None:
    campaign = house.launch(10, pacing={"max_concurrent": 10})
    ids = [claimed.call_id for claimed in house.claim(campaign).calls]
    for call_id in ids:
        house.fence(call_id)

    def respond(call_id: str) -> None:
        house.write(lambda s: events.record_placed(s, call_id, f"p-{call_id}", now=house.now))

    def report(call_id: str) -> None:
        _store(house, event(f"e-{call_id}", provider_call_id=f"p-{call_id}", status=RINGING))

    race([lambda c=c, w=w: w(c) for c in ids for w in (respond, report)])  # type: ignore[misc]
    assert {_call(house, call_id).status for call_id in ids} == {RINGING}


def test_events_move_a_status_forward_and_never_to_an_end(house: House) -> None:
    call_id = _fenced(house)
    for status in (IN_PROGRESS, RINGING, CallStatus.COMPLETED, CallStatus.QUEUED):
        _store(house, event(status.value, call_id=call_id, status=status))
        assert _call(house, call_id).status is IN_PROGRESS
    house.end(call_id, CallStatus.FAILED)
    # Somebody had answered, whatever its end was called.
    assert _call(house, call_id).status is CallStatus.COMPLETED
    _store(house, event("late", call_id=call_id, status=IN_PROGRESS))
    assert _call(house, call_id).status is CallStatus.COMPLETED


def test_the_latest_word_counts_and_a_known_answerer_stays(house: House) -> None:
    call_id = _fenced(house)
    soon, later = house.now, house.now + timedelta(seconds=5)
    _store(house, event("b", call_id=call_id, at=later, cost=2.0, answered_by="unknown"))
    _store(
        house,
        event("a", call_id=call_id, at=soon, cost=1.0, answered_by="machine"),
        event("c", call_id=call_id, at=soon, structured={"a": 1, "b": 1}),
        event("d", call_id=call_id, at=later, structured={"b": 2}),
    )
    call = _call(house, call_id)
    assert (call.cost, call.answered_by) == (2.0, AnsweredBy.MACHINE)
    assert call.structured == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ["a\x00b", "\\u0000"])
def test_a_transcript_may_hold_any_character(house: House, text: str) -> None:
    call_id = _fenced(house)
    analysis = event(call_id=call_id, transcript=text, structured={"k\x00": ["\x00", 1]})
    (stored,) = _store(house, analysis)
    call = _call(house, call_id)
    assert call.transcript == text.replace("\x00", "")
    assert call.structured == {"k": ["", 1]}
    assert stored.transcript == call.transcript


def test_events_that_were_not_signalled_are_listed(house: House) -> None:
    call_id = _fenced(house)
    stored = _store(
        house,
        event("e1", call_id=call_id, status=RINGING),
        event("e2", call_id=call_id, status=IN_PROGRESS),
        event("e3", provider_call_id="of-nobody", status=RINGING),
    )
    assert _missed(house) == []
    house.later(seconds=1)
    missed = _missed(house)
    assert [m.read().event_id for m in missed] == ["e1", "e2"]
    assert missed[0].workflow_id == _call(house, call_id).workflow_id
    assert len(_missed(house, limit=1)) == 1
    _mark(house, stored)
    assert _missed(house) == []


def test_an_event_of_a_call_that_ended_is_not_signalled(house: House) -> None:
    call_id = _fenced(house)
    house.end(call_id)
    (stored,) = _store(house, event(call_id=call_id, status=RINGING))
    assert (stored.call_id, stored.workflow_id) == (call_id, None)
    house.later(seconds=1)
    assert _missed(house) == []


def test_without_events_nothing_is_stored(house: House) -> None:
    assert _stored(house) == ([], [], [])
