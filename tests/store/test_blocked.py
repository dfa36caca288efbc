"""Deliveries behind another of their subject, and outboxes that nobody takes from, cost nobody."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select
from sqlmodel import Session

from outdial.domain.endpoint import (
    BEHIND,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    EndpointState,
)
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.db.tables import delivery
from outdial.store.db.tables import endpoint as endpoint_table
from outdial.store.webhooks import deliveries, endpoints, outstanding, queues
from outdial.store.webhooks.outstanding import TAKEN_FOR, mark_due
from outdial.store.webhooks.queues import WINDOW
from tests.builders import NOW, House
from tests.history.measuring import steps_of
from tests.store.test_outbox import answer, due, listen, publish

pytestmark = pytest.mark.both_databases

LATER = NOW + timedelta(seconds=1)
RETRY = NOW + timedelta(minutes=5)
LONG_AGO = NOW - timedelta(days=1)
MANY = 5_000


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

    def work(s: Any) -> None:
        s.connection().execute(insert(delivery), made)
        mark_due(s, [to.id], NOW)

    house.write(work)


def many_endpoints(house: House, count: int, **changes: Any) -> None:
    """Endpoints with one pending delivery each."""
    to = Endpoint(
        id="e",
        kind=EndpointKind.CALL,
        tenant=DEFAULT_TENANT,
        url="u",
        secret="s",
        created_at=NOW,
        updated_at=NOW,
    )
    row = to.model_dump(exclude={"former_secrets"}) | {"events": ["none"], "due_at": NOW} | changes
    rows = [row | {"id": f"many_{n}"} for n in range(count)]
    pending = [
        {
            "tenant": one["tenant"],
            "endpoint_id": one["id"],
            "event_id": "1",
            "type": "test",
            "subject": "s",
            "payload": "{}",
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "next_at": one["due_at"],
            "created_at": NOW,
        }
        for one in rows
    ]
    house.write(lambda s: s.connection().execute(insert(endpoint_table), rows))
    house.write(lambda s: s.connection().execute(insert(delivery), pending))


def waiting(house: House, one: Endpoint, now: datetime = LATER) -> tuple[int, int]:
    """How many pending rows of an endpoint are due, first or not, and how many are set aside."""
    pending = select(func.count()).where(
        delivery.c.endpoint_id == one.id, delivery.c.state == DeliveryState.PENDING.value
    )
    is_due, aside = (
        pending.where(delivery.c.next_at <= now),
        pending.where(delivery.c.next_at == BEHIND),
    )
    return house.write(
        lambda s: (
            s.connection().execute(is_due).scalar_one(),
            s.connection().execute(aside).scalar_one(),
        )
    )


def drain(house: House, one: Endpoint, now: datetime = LATER) -> list[Delivery]:
    """What a drain is given to send, and what it sets aside until then."""
    while True:
        outbox = house.write(lambda s: deliveries.due(s, one.id, now=now, limit=10))
        if outbox.deliveries or not outbox.crowded:
            return outbox.deliveries
        if not house.write(lambda s: queues.set_aside(s, one.id, now=now)):
            return outbox.deliveries


def look(house: House, now: datetime = NOW, limit: int = 9) -> list[str]:
    """The endpoints that one worker takes up."""
    listed = house.write(lambda s: outstanding.endpoints_due(s, now=now, limit=limit))
    ids = [endpoint_id for _, endpoint_id in listed]
    taken = house.write(lambda s: outstanding.take_up(s, ids, now=now))
    return [one for one in ids if one in taken]


def rest(house: House, one: Endpoint) -> datetime | None:
    return house.write(lambda s: outstanding.rest(s, one.id))


def test_a_few_blocked_rows_are_passed_over(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    (first,) = due(house, endpoint)
    answer(house, first, 500, waits=(RETRY - NOW,))
    publish(house, "a", "a", "b")
    (other,) = drain(house, endpoint)
    assert other.subject == "b"
    answer(house, other, 200, LATER)
    assert drain(house, endpoint) == []
    assert waiting(house, endpoint) == (2, 0), "nothing is written for so few"
    assert rest(house, endpoint) == RETRY
    for _ in range(3):
        (one,) = drain(house, endpoint, RETRY)
        answer(house, one, 200, RETRY)
    assert drain(house, endpoint, RETRY) == []
    assert rest(house, endpoint) is None


@pytest.mark.both_databases(False)
def test_many_blocked_rows_are_set_aside_once_and_come_back_one_by_one(house: House) -> None:
    endpoint = listen(house)
    fill(house, endpoint, 3 * WINDOW, head=RETRY, next_at=LONG_AGO)
    fill(house, endpoint, 1, subject="t")
    (other,) = drain(house, endpoint)
    assert other.subject == "t"
    answer(house, other, 200, LATER)
    assert waiting(house, endpoint) == (0, 3 * WINDOW)
    assert rest(house, endpoint) == RETRY
    (head,) = drain(house, endpoint, RETRY)
    answer(house, head, 500, RETRY, waits=(timedelta(0),) * 3)
    assert waiting(house, endpoint, RETRY) == (1, 3 * WINDOW), "a retry writes the one row"
    (head,) = drain(house, endpoint, RETRY)
    ids = [head.id]
    while True:
        answer(house, head, 200, RETRY)
        following = drain(house, endpoint, RETRY)
        if not following:
            break
        (head,) = following
        ids.append(head.id)
    assert ids == sorted(ids)
    assert len(ids) == 3 * WINDOW + 1


def test_rows_behind_one_that_is_due_hide_nothing(house: House) -> None:
    endpoint = listen(house)
    fill(house, endpoint, 3 * WINDOW, next_at=LONG_AGO)
    fill(house, endpoint, 1, subject="t")
    (first,) = drain(house, endpoint)
    assert first.subject == "s"
    house.write(lambda s: queues.set_aside(s, endpoint.id, now=LATER))
    assert [one.subject for one in drain(house, endpoint)] == ["s", "t"]


def test_one_sent_again_by_hand_goes_before_what_is_set_aside(house: House) -> None:
    endpoint = listen(house)
    publish(house, "s")
    (old,) = due(house, endpoint)
    answer(house, old, 200)
    fill(house, endpoint, 2 * WINDOW, head=RETRY)
    assert drain(house, endpoint) == []
    assert house.write(lambda s: deliveries.redeliver(s, DEFAULT_TENANT, old.id, now=LATER))
    (again,) = drain(house, endpoint)
    assert again.id == old.id
    answer(house, again, 200, LATER)
    assert rest(house, endpoint) == RETRY, "the one that waits for its next try goes on waiting"
    (head,) = drain(house, endpoint, RETRY)
    answer(house, head, 200, RETRY)
    (second,) = drain(house, endpoint, RETRY)
    assert second.id > head.id > old.id


def test_a_first_that_is_over_meanwhile_sets_nothing_aside(
    house: House, on_postgresql: None
) -> None:
    """The transaction that ends it holds its row, and has yet to make the next one due."""
    endpoint = listen(house)
    fill(house, endpoint, 2 * WINDOW)
    (head,) = drain(house, endpoint)

    def end_it_while_another_sets_aside(s: Session) -> Any:
        deliveries._change(s, head, {"state": DeliveryState.DELIVERED.value, "delivered_at": NOW})
        return _beside(house, lambda s: queues.set_aside(s, endpoint.id, now=LATER))

    assert house.write(end_it_while_another_sets_aside) == 0
    assert len(drain(house, endpoint)) == 1


def _beside(house: House, work: Callable[[Any], Any]) -> Any:
    """Run work in a transaction of another connection."""
    with Session(house.database._write_engine) as other:
        result = work(other)
        other.commit()
        return result


def test_one_worker_takes_an_endpoint_up(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    assert look(house) == [endpoint.id]
    assert look(house) == []
    assert look(house, NOW + TAKEN_FOR) == [endpoint.id], "should the first have died"


def test_an_outbox_is_marked_by_the_first_delivery_alone(house: House) -> None:
    endpoint = listen(house)
    with _listening(house.database._write_engine) as statements:
        publish(house, "a")
        publish(house, "a")
    assert sum("UPDATE endpoint" in sql for sql, _ in statements) == 1
    (one, two) = [*drain(house, endpoint), None]
    assert two is None
    answer(house, one, 200)
    answer(house, drain(house, endpoint)[0], 200)
    assert rest(house, endpoint) is None
    assert look(house) == []
    publish(house, "a")
    assert look(house) == [endpoint.id]


def test_a_delivery_that_is_not_committed_keeps_the_mark(house: House, on_postgresql: None) -> None:
    """Its transaction saw the mark and did not set it again."""
    endpoint = listen(house)
    publish(house, "a")
    (one,) = drain(house, endpoint)
    answer(house, one, 200)

    def rest_while_another_writes(s: Any) -> None:
        row: dict[str, Any] = {"tenant": DEFAULT_TENANT, "endpoint_id": endpoint.id, "type": "t"}
        row |= {"event_id": "x", "subject": "b", "payload": "{}", "state": "pending", "attempts": 0}
        s.connection().execute(insert(delivery), row | {"next_at": NOW, "created_at": NOW})
        mark_due(s, [endpoint.id], NOW)
        assert _beside(house, lambda s: outstanding.rest(s, endpoint.id)) is None

    house.write(rest_while_another_writes)
    assert look(house) == [endpoint.id]


@pytest.mark.parametrize("count", [30, 1100], ids=["few", "more than are shared out at once"])
def test_tenants_take_turns(house: House, count: int) -> None:
    many_endpoints(house, count, tenant="crowd", due_at=LONG_AGO)
    other = listen(house)
    publish(house, "a")
    assert look(house, limit=4)[1] == other.id


def test_others_may_take_up_all_of_a_crowd_during_a_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_endpoints(house, 1000, due_at=LONG_AGO)
    monkeypatch.setattr(outstanding, "_tenants_due", lambda *_: [])
    assert look(house) == []


def test_an_endpoint_that_is_enabled_again_gets_what_has_waited(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")

    def set_state(state: EndpointState) -> None:
        values = {"state": state.value}
        house.write(
            lambda s: endpoints.change_endpoint(
                s, DEFAULT_TENANT, endpoint.id, values, version=None, now=NOW
            )
        )

    set_state(EndpointState.DISABLED)
    assert look(house) == []
    assert rest(house, endpoint) == NOW
    set_state(EndpointState.ENABLED)
    assert look(house) == [endpoint.id]


def _of_one_endpoint(house: House, rows: int) -> None:
    one = listen(house, "blocked", events=("none",))
    fill(house, one, rows, head=RETRY, next_at=LONG_AGO)
    settle(house, one)


def _of_many_subjects(house: House, rows: int) -> None:
    """Each waits for its own next try."""
    one = listen(house, "blocked", events=("none",))
    row: dict[str, Any] = {
        "tenant": one.tenant,
        "endpoint_id": one.id,
        "type": "test",
        "payload": "{}",
    }
    row |= {"state": "pending", "attempts": 1, "next_at": RETRY, "created_at": NOW}
    made = [row | {"event_id": str(n), "subject": f"s/{n}"} for n in range(rows)]
    house.write(lambda s: s.connection().execute(insert(delivery), made))
    settle(house, one)


def _of_disabled_endpoints(house: House, rows: int) -> None:
    many_endpoints(house, rows, state=EndpointState.DISABLED.value, due_at=LONG_AGO)


def _of_endpoints_that_wait(house: House, rows: int) -> None:
    many_endpoints(house, rows, due_at=RETRY)


def settle(house: House, one: Endpoint) -> None:
    """What the drain before did."""
    assert drain(house, one) == []
    assert rest(house, one) == RETRY


CASES = [_of_one_endpoint, _of_many_subjects, _of_disabled_endpoints, _of_endpoints_that_wait]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.lstrip("_"))
def test_a_look_reads_no_more_however_much_is_blocked(
    house: House, backend: str, case: Callable[[House, int], None]
) -> None:
    """Without statistics, as a new database is, and as every SQLite is."""
    case(house, MANY)
    alive = listen(house, "alive")
    publish(house, "a")
    blocked = Endpoint(
        id="ep_blocked", tenant=DEFAULT_TENANT, url="u", secret="s", created_at=NOW, updated_at=NOW
    )
    with _listening(house.database._write_engine) as statements:
        assert look(house) == [alive.id]
        drain(house, alive)
        drain(house, blocked)
        rest(house, alive)
        rest(house, blocked)
        publish(house, "a")
    measure, most = (_rows_read, 120) if backend == "postgresql" else (steps_of, 6_000)
    read = {}
    for sql, values in statements:
        if not sql.startswith(("SELECT", "WITH", "UPDATE")):
            continue
        read[sql] = house.write(lambda s, q=sql, v=values: measure(s, q, v))  # type: ignore[misc]
    dear = {sql: rows for sql, rows in read.items() if rows > most}
    assert not dear, "\n\n".join(f"{rows}: {sql}" for sql, rows in dear.items())


def _rows_read(s: Any, statement: str, values: Any) -> int:
    """Rows that PostgreSQL reads for a statement, those that it passes over included."""
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    plan = s.connection().exec_driver_sql(explain, values).scalar_one()
    return _of_node((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _of_node(node: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in node or "Index Name" in node:
        passed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(name, 0) for name in passed)
        own = int(rows * node["Actual Loops"])
    return own + sum(_of_node(each) for each in node.get("Plans", ()))


@contextmanager
def _listening(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is executed, with its parameters."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        statements.append((statement, parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
