"""Every statement in the life of a call finds its rows by an index, however long the tables are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select, text
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.store.call import calls, events
from outdial.store.call import calls as call_views
from outdial.store.callbacks import tool_calls
from outdial.store.claims import leases
from outdial.store.claims.leases import leases_to_check
from outdial.store.compliance import suppressions
from outdial.store.db.tables import call, recipient
from outdial.store.db.tables import event as event_table
from outdial.store.roster.withdrawal import withdraw_recipient
from tests import builders
from tests.backends import Kept
from tests.builders import LINE, TIMEOUT, ZONE, House
from tests.databases import empty

pytestmark = pytest.mark.both_databases

ROWS = 3000
_LONG = "recipient|call|event"
_WHOLE_TABLE = re.compile(rf"(?:Seq Scan on|SCAN) (?:{_LONG})\b")


def _first(s: Session) -> int:
    """The id of the first of the people that `_fill` makes."""
    return 10 + int(s.connection().execute(select(func.min(recipient.c.id))).scalar_one())


def _fill(s: Session, campaign: CampaignRecord, rows: int = ROWS) -> None:
    """People who wait, people who are done, and their calls and events."""
    first = _first(s)
    zones = builders.zones(ZONE).model_dump_json()
    person = {
        "campaign_id": campaign.id,
        "launch": 1,
        "alternate_phones": [],
        "zones": zones,
        "variables": {},
        "line": LINE,
        "attempts": 0,
        "calls": 1,
        "turn": 1,
        "withdrawn": False,
        "due_at": builders.NOW,
    }
    people = [
        person
        | {
            "id": first + i,
            "position": 100 + i,
            "phone": builders.phone(100 + i),
            "state": "done" if i % 30 else "waiting",
            "outcome": "completed" if i % 30 else None,
        }
        for i in range(rows)
    ]
    s.connection().execute(insert(recipient), people)
    made = {
        "tenant": "default",
        "campaign_id": campaign.id,
        "campaign": campaign.name,
        "launch": 1,
        "attempt": 1,
        "claim_key": "old",
        "line": LINE,
        "ring_seconds": 30,
        "max_seconds": 600,
        "status": "completed",
        "fence": "placed",
        "is_attempt": True,
        "outcome": "completed",
        "created_at": builders.NOW.replace(year=2025),
        "settle_by": builders.NOW.replace(year=2025),
        "settled_at": builders.NOW.replace(year=2025),
        "structured": {},
        "evidence": {},
    }
    old = [
        made
        | {
            "id": f"old-{i}",
            "recipient_id": first + i,
            "number": 1,
            "workflow_id": f"w-{i}",
            "provider_call_id": f"old-p-{i}",
            "phone": builders.phone(100 + i),
            "claim_key": f"old-{i // 5}",
        }
        for i in range(rows)
    ]
    s.connection().execute(insert(call), old)
    values = {
        "tenant": "default",
        "line": LINE,
        "payload": '{"event_id":"old","at":"2025-01-01T00:00:00Z"}',
        "received_at": builders.NOW,
    }
    event_rows = [
        values
        | {
            "event_id": f"old-{i}",
            "call_id": f"old-{i}" if i % 2 else None,
            "provider_call_id": f"old-p-{i}",
            "signalled_at": builders.NOW,
        }
        for i in range(rows)
    ]
    s.connection().execute(insert(event_table), event_rows)


@contextmanager
def _listening(engine: Engine) -> Iterator[dict[str, Any]]:
    """Statements executed meanwhile, with their parameters."""
    statements: dict[str, Any] = {}

    def hear(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        statements.setdefault(statement, parameters[0] if many else parameters)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def _live(house: House, campaign: CampaignRecord) -> None:
    """Everything that is done for a call, once or twice."""
    for number in range(2):
        call_id = house.claim_one(campaign).call_id
        early = builders.event(f"{call_id}-1", provider_call_id=f"p-{call_id}", status="ringing")
        house.write(lambda s, e=early: events.store_events(s, LINE, [e], now=house.now))  # type: ignore[misc]
        house.place(call_id)
        answered = builders.event(f"{call_id}-2", call_id=call_id, status="in_progress")
        house.write(lambda s, e=answered: events.store_events(s, LINE, [e], now=house.now))  # type: ignore[misc]
        keys = [("default", LINE, each.event_id) for each in (early, answered)]
        house.write(lambda s, keys=keys: events.mark_signalled(s, keys, now=house.now))  # type: ignore[misc]
        house.later(minutes=1)
        house.write(lambda s: events.unsignalled_events(s, before=house.now, limit=10))
        house.write(lambda s: leases_to_check(s, now=house.now, older_than=TIMEOUT, limit=10))
        wait = TIMEOUT if number else 0 * TIMEOUT
        house.end(call_id, CallStatus.NO_ANSWER, analysis_wait=wait)
        house.write(lambda s: calls.get_call_by_provider_id(s, LINE, "p-1"))
        house.write(lambda s: calls.list_calls(s, campaign.id, limit=10))
        house.later(minutes=10)
    house.claim(campaign)
    house.set_state(campaign, CampaignState.PAUSED)


def _look_ups(house: House, campaign: CampaignRecord) -> None:
    """What is asked for one call or one person, by those who wait for the answer."""
    person = house.write(_first) + 30
    for reported in (
        builders.event("by-our-id", call_id="old-7", status="ringing"),
        builders.event("by-its-id", provider_call_id="old-p-9", status="ringing"),
        builders.event("by-both", call_id="old-11", provider_call_id="old-p-11"),
        builders.event("by-none", call_id="nobody", provider_call_id="nobody"),
    ):
        house.write(lambda s, e=reported: events.store_events(s, LINE, [e], now=house.now))  # type: ignore[misc]
    house.write(lambda s: events.events_of_recipient(s, "default", person))
    house.write(lambda s: tool_calls.lock_live_call(s, "default", LINE, None, "old-p-13"))
    house.write(lambda s: tool_calls.stored_answer(s, "default", LINE, "tool-1"))
    house.write(lambda s: calls.get_call_by_provider_id(s, LINE, "old-p-15"))
    numbers = [builders.phone(100), builders.phone(101)]
    house.write(lambda s: suppressions.calls_before_a_talk(s, "default", numbers))
    house.write(lambda s: suppressions.history(s, "default", numbers[0]))
    house.write(lambda s: call_views.get_view(s, "default", "old-17"))
    house.write(lambda s: withdraw_recipient(s, person, now=house.now))
    house.write(lambda s: events.record_placed(s, "old-19", "new-p", now=house.now))
    house.write(lambda s: leases.close_fence(s, "old-21", now=house.now))
    house.write(lambda s: leases.release_unplaced(s, "old-21", now=house.now))


def _statements(house: House, campaign: CampaignRecord) -> dict[str, Any]:
    with _listening(house.database._write_engine) as statements:
        _live(house, campaign)
        _look_ups(house, campaign)
    assert len(statements) > 40
    return {
        statement: parameters
        for statement, parameters in statements.items()
        if statement.startswith(("SELECT", "UPDATE", "DELETE"))
    }


@pytest.mark.parametrize("per_day", [None, 3])
def test_no_statement_reads_a_whole_table(house: House, backend: str, per_day: int | None) -> None:
    retry = {"no_answer": {"delays": "5m"}, "max_attempts_per_day": per_day}
    campaign = house.launch(1, retry=retry, pacing={"max_concurrent": 50, "per_minute": 60})
    house.write(lambda s: _fill(s, campaign))
    if backend == "postgresql":  # its autovacuum does so in time; SQLite never does by itself
        house.write(lambda s: s.connection().execute(text("ANALYZE")))
    explain = "EXPLAIN" if backend == "postgresql" else "EXPLAIN QUERY PLAN"
    plans = {}
    for statement, parameters in _statements(house, campaign).items():
        plans[statement] = house.write(
            lambda s, sql=statement, values=parameters: _plan(s, f"{explain} {sql}", values)  # type: ignore[misc]
        )
    whole = {sql: plan for sql, plan in plans.items() if _WHOLE_TABLE.search(plan)}
    assert not whole, "\n\n".join(f"{sql}\n{plan}" for sql, plan in whole.items())


MANY = 8_000
AT_MOST = 6_000
"""Steps of SQLite's machine: a look at every row of a tenant takes several times `MANY`."""


@pytest.mark.parametrize("analysed", [False, True])
def test_no_statement_costs_more_on_sqlite_the_more_there_is(kept: Kept, analysed: bool) -> None:
    """Whatever its statistics: none, those of an empty table, or those of today."""
    _, database = kept("sqlite")
    empty(database)
    house = House(database)
    house.line()
    campaign = house.launch(1, retry={"no_answer": {"delays": "5m"}})
    house.write(lambda s: _fill(s, campaign, MANY))
    if analysed:
        house.write(lambda s: s.connection().execute(text("ANALYZE")))
    try:
        cost = {
            statement: house.write(
                lambda s, sql=statement, values=parameters: _steps(s, sql, values)  # type: ignore[misc]
            )
            for statement, parameters in _statements(house, campaign).items()
        }
    finally:
        if analysed:
            house.write(lambda s: s.connection().execute(text("DELETE FROM sqlite_stat1")))
    dear = {statement: steps for statement, steps in cost.items() if steps > AT_MOST}
    assert not dear, "\n\n".join(f"{steps}: {sql}" for sql, steps in dear.items())


def _steps(s: Session, statement: str, parameters: Any) -> int:
    """How many steps a statement takes, run once more."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += _EVERY
        return 0

    connection = s.connection().connection.driver_connection
    assert connection is not None
    connection.set_progress_handler(step, _EVERY)
    try:
        s.connection().exec_driver_sql(statement, parameters).close()
    finally:
        connection.set_progress_handler(None, 0)
    return taken


_EVERY = 100


def _plan(s: Session, explain: str, parameters: Any) -> str:
    rows = s.connection().exec_driver_sql(explain, parameters)
    return "\n".join(str(row[-1]) for row in rows)
