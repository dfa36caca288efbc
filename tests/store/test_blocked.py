"""Deliveries behind one that waits for its next try are set aside, whatever others have pending."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from outdial.domain.endpoint import DeliveryState, Endpoint, EndpointState
from outdial.store.db.tables import delivery
from outdial.store.db.tables import endpoint as endpoint_table
from outdial.store.webhooks import outstanding
from tests.builders import NOW, House
from tests.store.test_outbox import answer, due, listen, publish
from tests.store.test_plans import _listening, _plan, _steps

pytestmark = pytest.mark.both_databases

LATER = NOW + timedelta(seconds=1)
RETRY = NOW + timedelta(minutes=5)
MANY = 20_000


def fill(house: House, to: Endpoint, rows: int, **changes: Any) -> None:
    """Pending deliveries of one subject, all due, but for a first one that waits when `head` is
    given."""
    head: datetime | None = changes.pop("head", None)
    row = {
        "tenant": to.tenant,
        "endpoint_id": to.id,
        "type": "test",
        "subject": "s",
        "payload": "{}",
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "next_at": NOW,
        "created_at": NOW,
    } | changes
    made = [row | {"event_id": uuid.uuid4().hex} for _ in range(rows + (head is not None))]
    if head is not None:
        made[0] |= {"next_at": head, "attempts": 1}
    house.write(lambda s: s.connection().execute(insert(delivery), made))


def disable(house: House, one: Endpoint) -> None:
    off = update(endpoint_table).where(endpoint_table.c.id == one.id)
    off = off.values(state=EndpointState.DISABLED.value)
    house.write(lambda s: s.connection().execute(off))


def postpone(house: House, now: datetime = LATER, limit: int = 1000) -> int:
    """One round of what every worker does every few seconds."""
    blocked = house.write(lambda s: outstanding.find_blocked(s, now=now, limit=limit))
    return house.write(lambda s: outstanding.postpone(s, blocked, now=now))


def due_of(house: House, one: Endpoint, now: datetime = LATER) -> int:
    """Rows of an endpoint that are due, whether they are first or not."""
    count = (
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.endpoint_id == one.id, delivery.c.next_at <= now)
    )
    return int(house.write(lambda s: s.connection().execute(count).scalar_one()))


def test_a_blocked_row_is_postponed_and_comes_back(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    (first,) = due(house, endpoint)
    answer(house, first, 500, waits=(RETRY - NOW,))
    publish(house, "a", "a", "b")
    assert due_of(house, endpoint) == 3
    assert postpone(house) == 2
    assert due_of(house, endpoint) == 1
    assert postpone(house) == 0
    (other,) = due(house, endpoint, LATER)
    assert other.subject == "b"
    answer(house, other, 200, LATER)
    (again,) = due(house, endpoint, RETRY)
    answer(house, again, 200, RETRY)
    for _ in range(2):
        (behind,) = due(house, endpoint, RETRY)
        assert behind.id > first.id
        answer(house, behind, 200, RETRY)
    assert due(house, endpoint, RETRY) == []


@pytest.mark.parametrize("head", [NOW, RETRY], ids=["head due", "head waits"])
def test_a_disabled_endpoint_with_thousands_stops_nobody(
    house: House, head: datetime, backend: str
) -> None:
    dead, alive = listen(house, "dead"), listen(house, "z")
    fill(house, dead, 3000, head=head, next_at=NOW - timedelta(days=1))
    disable(house, dead)
    fill(house, alive, 2, head=RETRY)
    assert postpone(house) == 2
    assert due_of(house, alive) == 0
    assert due_of(house, dead) >= 3000, "nobody looks at it, so nothing is changed"


def test_an_enabled_endpoint_with_thousands_due_stops_nobody(house: House) -> None:
    """Its rows are behind one that is itself due, or are themselves first."""
    busy, alive = listen(house, "busy"), listen(house, "z")
    fill(house, busy, 3000, next_at=NOW - timedelta(days=1))
    fill(house, alive, 2, head=RETRY)
    assert postpone(house) == 2
    assert due_of(house, alive) == 0


def test_many_blocked_rows_of_one_leave_room_for_others(house: House) -> None:
    crowd, alive = listen(house, "crowd"), listen(house, "z")
    fill(house, crowd, 500, head=RETRY, next_at=NOW - timedelta(days=1))
    fill(house, alive, 2, head=RETRY)
    assert postpone(house, limit=10) == 7
    assert due_of(house, alive) == 0
    while postpone(house, limit=100):
        pass
    assert due_of(house, crowd) == 0


def test_a_head_that_went_meanwhile_postpones_nothing(house: House) -> None:
    """What was found is looked at again in the transaction that writes."""
    endpoint = listen(house)
    fill(house, endpoint, 2, head=RETRY)
    blocked = house.write(lambda s: outstanding.find_blocked(s, now=LATER, limit=9))
    assert len(blocked) == 2
    gone = update(delivery).where(delivery.c.id == blocked[0].head_id)
    gone = gone.values(state=DeliveryState.DELIVERED.value)
    house.write(lambda s: s.connection().execute(gone))
    assert house.write(lambda s: outstanding.postpone(s, blocked, now=LATER)) == 0
    assert due_of(house, endpoint) == 2


_WHOLE_TABLE = re.compile(r"(?:Seq Scan on|SCAN) (?:delivery|head)\b")
_LOOKS = re.compile(
    r"Index (?:Only )?Scan using (\w+) on|SEARCH \w+ USING (?:COVERING )?INDEX (\w+)"
)
_OF_PENDING = {"ix_delivery_endpoint_due", "ix_delivery_pending"}


@pytest.mark.parametrize("analysed", [False, True])
def test_each_step_has_its_index_with_20_000_blocked_rows(
    house: House, backend: str, analysed: bool
) -> None:
    """And costs the same, however many are set aside already or belong to a disabled endpoint."""
    dead, alive = listen(house, "dead"), listen(house, "z")
    fill(house, dead, 2000, head=NOW)
    disable(house, dead)
    fill(house, alive, MANY, head=RETRY, next_at=RETRY)
    fill(house, alive, 3, subject="t", head=RETRY)
    if analysed:
        house.write(lambda s: s.connection().execute(text("ANALYZE")))
    try:
        with _listening(house.database._write_engine) as statements:
            assert postpone(house) == 3
        looks = {sql: values for sql, values in statements.items() if "delivery" in sql}
        assert len(looks) == 4
        by_id = list(looks)[2:]
        for sql, values in looks.items():
            explain = "EXPLAIN" if backend == "postgresql" else "EXPLAIN QUERY PLAN"
            plan = house.write(lambda s, q=f"{explain} {sql}", v=values: _plan(s, q, v))  # type: ignore[misc]
            assert not _WHOLE_TABLE.search(plan), f"{sql}\n{plan}"
            used = {a or b for a, b in _LOOKS.findall(plan) if "delivery" in (a or b)}
            assert used <= (_OF_PENDING | ({"pk_delivery"} if sql in by_id else set())), plan
            if backend == "sqlite" and sql.startswith(("SELECT", "WITH")):
                steps = house.write(lambda s, q=sql, v=values: _steps(s, q, v))  # type: ignore[misc]
                assert steps < 2_000, f"{steps}: {sql}\n{plan}"
    finally:
        if analysed and backend == "sqlite":
            house.write(lambda s: s.connection().execute(text("DELETE FROM sqlite_stat1")))
