"""Two reports share an id only where they say the same."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.event import CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.lines import Line, LinePolicy, identified
from outdial.providers.port import Provider
from tests.providers.contract.registry import stages
from tests.providers.contract.running import receive_webhook
from tests.providers.contract.stage import NOW, Stage

WORDS = st.one_of(st.none(), st.text(string.printable, min_size=1, max_size=20))
FACTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(EventKind),
        "status": st.one_of(st.none(), st.sampled_from(CallStatus)),
        "answered_by": st.one_of(st.none(), st.sampled_from(AnsweredBy)),
        "failure": st.one_of(st.none(), st.sampled_from(FailureClass)),
        "detail": WORDS,
        "duration_seconds": st.one_of(st.none(), st.floats(0, 7200)),
        "disposition": WORDS,
        "transcript": WORDS,
        "recording_url": WORDS,
        "cost": st.one_of(st.none(), st.floats(0, 10)),
        "structured": st.dictionaries(st.sampled_from("abc"), WORDS, max_size=2),
    }
)
ENDS = frozenset(status for status in CallStatus if status.terminal)


def _event(facts: dict[str, Any], seconds: int = 0) -> CallEvent:
    at = NOW + timedelta(seconds=seconds)
    return CallEvent(event_id="call:ended", provider_call_id="call", at=at, **facts)


def _facts_of(event: CallEvent) -> dict[str, Any]:
    return event.model_dump(exclude={"event_id", "call_id", "provider_call_id", "at", "kind"})


@given(FACTS, FACTS)
def test_an_end_has_another_id_where_it_says_something_else(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = _event(one), _event(other)
    if first.status not in ENDS and second.status not in ENDS:
        return  # in flight: a status, which the adapter's own id names
    same = _facts_of(first) == _facts_of(second)
    assert (identified(first).event_id == identified(second).event_id) is same


@given(FACTS)
def test_a_repeated_report_is_the_same_whenever_it_comes(facts: dict[str, Any]) -> None:
    assert identified(_event(facts)).event_id == identified(_event(facts, 90)).event_id
    assert _facts_of(identified(_event(facts))) == _facts_of(_event(facts))


def test_a_call_that_goes_on_keeps_the_id_of_its_adapter() -> None:
    ringing = _event({"status": CallStatus.RINGING, "detail": "ringing"})
    assert identified(ringing) is ringing


@pytest.fixture(params=sorted(stages()))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stages()[request.param]() as running:
        yield running


@pytest.fixture
async def line(stage: Stage) -> AsyncIterator[Line]:
    provider: Provider = stage.provider_class(stage.line())
    yield Line("main", provider, LinePolicy())
    await provider.aclose()


async def test_what_a_look_up_and_a_webhook_tell_is_kept_of_both(stage: Stage, line: Line) -> None:
    """As the database has it: by id, the first of those that share one."""
    can = line.provider.capabilities
    if not (can.can_look_up and can.sends_webhooks):
        pytest.skip("there are not two ways to hear of this")
    placed = await line.provider.place(stage.order())
    call = stage.calls[placed.provider_call_id]
    stage.move(call, *stage.steps)
    snapshot = await line.provider.look_up(call.id)
    assert snapshot is not None
    events = list(snapshot.events)
    for delivery in (
        stage.deliver(call, CallStatus.COMPLETED),
        stage.deliver_unheard_of(call),
    ):
        if delivery is not None:
            args = (delivery.headers, delivery.body, delivery.url, NOW)
            events += receive_webhook(line.provider, *args)
    kept: dict[str, CallEvent] = {}
    for event in line.normalize(events):
        kept.setdefault(event.event_id, event)
    assert [
        _facts_of(event)
        for event in events
        if _facts_of(event) not in map(_facts_of, kept.values())
    ] == []
