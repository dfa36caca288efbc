"""What is done for many at once, and what lists many, does not execute a statement for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import ColumnElement, event, func, select, update
from sqlmodel import Session

from outdial.api.app import build_app, open_state
from outdial.api.state import ApiPolicy
from outdial.domain.access import EVERYTHING
from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.resources.resources import Resources
from outdial.services.accounts.keys import create_key
from outdial.store.call import calls, events
from outdial.store.callbacks import runs
from outdial.store.campaign import campaigns
from outdial.store.claims import leases
from outdial.store.claims.reservation import claim_calls
from outdial.store.compliance import suppressions
from outdial.store.db.database import Database
from outdial.store.db.tables import call, delivery
from outdial.store.db.tables import event as event_table
from outdial.store.roster import roster
from outdial.store.webhooks import outbox
from outdial.store.webhooks.outbox import OutboxEvent
from tests import builders
from tests.builders import LINE, House
from tests.databases import InThread, do_not_sync, migrated, sqlite_database
from tests.history.doors import questions, routes
from tests.history.filling import fill, phone_of
from tests.history.operations.registry import TENANT
from tests.services.world import no_temporal, simulated_lines
from tests.serving import client_at, listening

MANY = 20
ENDPOINTS = 3
"""Those of the tenant itself that `fill` makes: each gets everything."""
FOR_EACH = {"calls_claimed": 0.25, "callback_runs_listed": 1}
"""Statements for each further item, where there are any: calls and leases are inserted 16, 4 or 1
at a time, so that few forms of these statements are prepared. The entries of a run are looked up by
its call: for a list of calls PostgreSQL without statistics reads the entries of all."""
Work = Callable[[Session], int]
"""Says how many it was done for."""


def launched(house: House, count: int) -> CampaignRecord:
    pacing = {"max_concurrent": count}
    return house.launch(count, f"of-{count}", first=100 * count, pacing=pacing)


def claimed(house: House, count: int) -> list[str]:
    campaign = launched(house, count)
    return [each.call_id for each in house.claim(campaign).calls]


def calls_claimed(house: House, count: int) -> Work:
    campaign = launched(house, count)
    return lambda s: len(
        claim_calls(s, campaign.id, "claim", now=house.now, limit=count).claim.calls
    )


def events_stored(house: House, count: int) -> Work:
    reported = ringing(house, count)
    return lambda s: len(events.store_events(s, LINE, reported, now=house.now).new)


def events_signalled(house: House, count: int) -> Work:
    stored = ringing(house, count)
    house.write(lambda s: events.store_events(s, LINE, stored, now=house.now))
    keys = [(TENANT, LINE, one.event_id) for one in stored]

    def work(s: Session) -> int:
        events.mark_signalled(s, keys, now=house.now)
        return len(keys) - number_of(s, event_table.c.signalled_at.is_(None))

    return work


def ringing(house: House, count: int) -> list[CallEvent]:
    return [
        builders.event(f"event-{call_id}", call_id=call_id, status="ringing")
        for call_id in claimed(house, count)
    ]


def leases_swept(house: House, count: int) -> Work:
    claimed(house, count)
    old = house.now - house.now
    return lambda s: len(leases.leases_to_check(s, now=house.now, older_than=old, limit=count))


def calls_of_recipients(house: House, count: int) -> Work:
    claimed(house, count)
    return lambda s: len(roster.last_calls(s, list(range(1, count + 1))))


def numbers_suppressed(house: House, count: int) -> Work:
    numbers = [builders.phone(5000 + 100 * count + n) for n in range(count)]
    return lambda s: suppressions.suppress_all(
        s, TENANT, numbers, "asked", now=house.now, source="test"
    )


def events_published(house: House, count: int) -> Work:
    if count < MANY:
        fill(house, MANY)
    happened = [OutboxEvent("call.completed", f"of-{count}/{n}", {}) for n in range(count)]

    def work(s: Session) -> int:
        outbox.publish(s, TENANT, happened, now=house.now)
        return number_of(s, delivery.c.subject.startswith(f"of-{count}/")) // ENDPOINTS

    return work


def recipients_enrolled(house: House, count: int) -> Work:
    campaign = house.launch(0, f"of-{count}")
    rows = builders.located(builders.drafts(count))
    return lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 0, rows)


def callback_runs_listed(house: House, count: int) -> Work:
    history = fill(house, MANY) if count < MANY else None
    campaign_id = 1 if history is None else history.campaign.id
    return lambda s: len(runs.list_callback_runs(s, campaign_id, limit=count))


def calls_listed(house: House, count: int) -> Work:
    claimed(house, count)
    campaign = house.write(lambda s: campaigns.find_campaign(s, TENANT, f"of-{count}"))
    assert campaign is not None
    return lambda s: len(calls.list_calls(s, campaign.id, status=CallStatus.QUEUED, limit=count))


def number_of(s: Session, which: ColumnElement[bool]) -> int:
    return int(s.connection().execute(select(func.count()).where(which)).scalar_one())


WORK = (
    calls_claimed,
    events_stored,
    events_signalled,
    leases_swept,
    calls_of_recipients,
    numbers_suppressed,
    events_published,
    recipients_enrolled,
    callback_runs_listed,
    calls_listed,
)


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    """The statements that are executed; one with many rows of parameters is one."""
    executed: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        executed.append(" ".join(statement.split()))

    engines = {database._write_engine, database._read_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def house() -> Iterator[House]:
    with sqlite_database() as url, migrated(url):
        database = InThread(url)
        do_not_sync(database)
        house = House(database)
        house.line(most=1000)
        try:
            yield house
        finally:
            database.dispose()


@pytest.mark.parametrize("prepare", WORK, ids=lambda prepare: prepare.__name__)
def test_work_for_many_is_not_repeated(house: House, prepare: Callable[[House, int], Work]) -> None:
    executed = {}
    for count in (2, MANY):
        work = prepare(house, count)
        with counting(house.database) as executed[count]:
            assert house.write(work) == count
    more = (len(executed[MANY]) - len(executed[2])) / (MANY - 2)
    allowed = FOR_EACH.get(prepare.__name__, 0)
    assert more <= allowed, "\n".join([f"{more} for each:", *executed[MANY]])


async def test_no_list_executes_a_statement_for_each_item(house: House) -> None:
    fill(house, 2 * MANY)
    for number in range(MANY):
        house.launch(1, f"of-{number}")
        _revise(house, number)
    _call_one_often(house)
    ctx = Resources(house.database, await no_temporal(), simulated_lines(), lambda: house.now)
    key = await create_key(ctx, "test", (EVERYTHING,))
    unlimited = ApiPolicy(rules=())
    app = build_app(lambda: open_state(ctx, "http://testserver", unlimited), unlimited)
    repeated, listed, short = {}, 0, {}
    async with (
        listening(app) as base,
        client_at(base, headers={"authorization": f"Bearer {key.text}"}) as http,
    ):
        for route in routes():
            if "limit" not in route.paged:
                continue
            path, query = route.path, next(query for _, query in questions(route, 1))
            for name in route.in_path:
                path = path.replace("{" + name + "}", route.values(name).present)
            counts, items = [], []
            for limit in (2, MANY):
                with counting(house.database) as executed:
                    response = await http.get(path, params=query | {"limit": limit})
                assert response.status_code == 200, (path, response.text)
                counts.append(len(executed))
                items.append(longest_list(_page_of(response.json())))
            listed += 1
            if counts[1] > counts[0]:
                repeated[route.path] = counts
            if items != [2, MANY]:
                short[route.path] = items
    assert listed
    assert not repeated
    assert not short


def _revise(house: House, number: int) -> None:
    """Give the campaign that routes are asked for another revision."""
    changed = builders.definition("history", pacing={"max_concurrent": number + 1})

    def work(s: Session) -> None:
        record = campaigns.find_campaign(s, TENANT, changed.name)
        assert record is not None
        campaigns.apply_definition(s, record.id, changed, "", now=house.now)

    house.write(work)


def _call_one_often(house: House) -> None:
    """Every call is to the number that routes are asked for."""
    phone = phone_of(7)
    house.write(lambda s: s.connection().execute(update(call).values(phone=phone)))


def _page_of(body: Any) -> Any:
    """What is paged of an answer: of a person, the calls."""
    return body.get("calls", body) if isinstance(body, dict) else body


def longest_list(body: Any) -> int:
    """How many items the list has that an answer is, or holds."""
    if isinstance(body, list):
        return len(body)
    if isinstance(body, dict):
        return max(map(longest_list, body.values()), default=0)
    return 0
