"""Whatever the order and however often events come, a call ends up the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from outdial.domain.call.event import CallEvent, EventSummary
from outdial.domain.call.status import CallStatus, advance
from outdial.store.call import events
from outdial.store.db.database import Database
from outdial.store.db.tables import call
from tests.builders import LINE, NOW, House, event
from tests.databases import empty
from tests.generating import examples

pytestmark = pytest.mark.both_databases

_OWN = {"id", "recipient_id", "workflow_id", "phone", "evidence", "provider_call_id"}


def _at(seconds: int, **changes: Any) -> dict[str, Any]:
    return {"at": NOW + timedelta(seconds=seconds)} | changes


REPORTS = (
    _at(1, status="queued"),
    _at(2, status="ringing"),
    _at(3, status="ringing", answered_by="unknown"),
    _at(4, status="in_progress", answered_by="machine"),
    _at(4, status="in_progress", answered_by="human"),
    _at(5, answered_by="unknown", cost=1.5),
    _at(9, status="completed", duration_seconds=5.0),
    _at(9, status="failed", failure="unknown", detail="?"),
    _at(12, kind="analysis", disposition="booked", structured={"a": 1, "b": 1}),
    _at(20, kind="analysis", cost=2.5, transcript="Hello", structured={"b": 2}),
)


def _events(call_id: str, provider_call_id: str) -> list[CallEvent]:
    """Every second one is told by the provider's id only."""
    return [
        event(
            f"{provider_call_id}-{i}",
            provider_call_id=provider_call_id,
            call_id=call_id if i % 2 else None,
            **report,
        )
        for i, report in enumerate(REPORTS)
    ]


orders = st.lists(st.sampled_from(range(len(REPORTS))), min_size=1, max_size=16)
everything_in_some_order = orders.flatmap(
    lambda some: st.permutations([*range(len(REPORTS)), *some])
)


def _row(house: House, call_id: str) -> dict[str, Any]:
    statement = select(call).where(call.c.id == call_id)
    row = house.database.read_sync(lambda s: s.connection().execute(statement).mappings().one())
    return {name: value for name, value in row.items() if name not in _OWN}


@settings(max_examples=examples(15))
@given(order=everything_in_some_order, batch=st.integers(1, 5), placed_after=st.integers(0, 4))
def test_any_order_and_any_repetition_give_the_same_row(
    session_database: Database, order: list[int], batch: int, placed_after: int
) -> None:
    empty(session_database)
    house = House(session_database)
    house.line()
    campaign = house.launch(2)
    plain, mixed = (claimed.call_id for claimed in house.claim(campaign).calls)
    for call_id in (plain, mixed):
        house.fence(call_id)
    house.place(plain, f"p-{plain}")
    in_order = _events(plain, f"p-{plain}")
    house.write(lambda s: events.store_events(s, LINE, in_order, now=house.now))
    reported = _events(mixed, f"p-{mixed}")
    parts = [order[i : i + batch] for i in range(0, len(order), batch)]
    for i, part in enumerate(parts):
        if i == min(placed_after, len(parts) - 1):
            house.place(mixed, f"p-{mixed}")
        some = [reported[index] for index in part]
        house.write(lambda s, some=some: events.store_events(s, LINE, some, now=house.now))  # type: ignore[misc]
    for call_id in (plain, mixed):
        house.end(call_id)
    assert _row(house, mixed) == _row(house, plain)


@given(st.permutations(range(len(REPORTS))), st.integers(0, len(REPORTS)))
def test_merging_parts_never_moves_a_status_back(order: list[int], cut: int) -> None:
    reported = _events("c", "p")
    some = [reported[index] for index in order[:cut]]
    before, after = EventSummary.of(some).status, EventSummary.of(reported).status
    assert advance(before, after) is after
    assert not after.terminal
    assert after is CallStatus.IN_PROGRESS
