"""A rehearsal and the real store make the same calls: same instants, lines and outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from outdial.domain.call.plan import CallPlan
from outdial.rehearsal.engine import Engine
from outdial.rehearsal.fate import ModeledPeople
from outdial.rehearsal.loop import Attempt, Ending, Loop
from outdial.rehearsal.memory import MemoryEngine
from outdial.rehearsal.roster import RosterReader
from outdial.store.db.database import Database
from tests.databases import InThread, empty, migrated, sqlite_database
from tests.rehearsal.random_campaigns import RandomCampaign, random_campaign
from tests.rehearsal.store_engine import StoreEngine, numbered_calls

CAMPAIGNS = 10
HORIZON = timedelta(days=40)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with sqlite_database() as url, migrated(url):
        of_tests = InThread(url)
        yield of_tests
        of_tests.dispose()


@pytest.mark.parametrize("seed", range(CAMPAIGNS))
def test_a_rehearsal_makes_the_calls_that_the_store_makes(database: Database, seed: int) -> None:
    compare(database, seed)


def compare(database: Database, seed: int) -> None:
    """Run a random campaign on both engines by the same loop."""
    empty(database)
    given = random_campaign(seed)
    plan = CallPlan.of(given.definition)
    with numbered_calls():
        store = StoreEngine(database, given.definition, given.drafts, given.lines, given.start)
        by_store = attempts(store, given, plan, seed)
    people = list(RosterReader().people(given.drafts))
    ids = store.ids()
    for person in people:
        person.id = ids[person.position]
    memory = MemoryEngine(plan, people, given.lines, given.start)
    rehearsed = attempts(memory, given, plan, seed)
    for of_store, of_memory in zip(by_store[0], rehearsed[0], strict=False):
        assert of_memory == of_store
    assert rehearsed == by_store
    finals = {
        person.position: (
            person.phone,
            person.state.value,
            person.outcome,
            person.attempts,
            person.calls,
        )
        for person in people
    }
    assert finals == store.finals()


def attempts(
    engine: Engine, given: RandomCampaign, plan: CallPlan, seed: int
) -> tuple[list[Attempt], Ending]:
    made = list[Attempt]()
    loop = Loop(engine, ModeledPeople(given.model, seed), plan, record=made.append)
    ending = loop.run(given.start, horizon=HORIZON)
    return made, ending
