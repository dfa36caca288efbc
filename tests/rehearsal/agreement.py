"""Compares a rehearsal with the real store: both make the same calls, and end everybody alike.

`make test` compares a few campaigns. `make faults` takes new ones, by a seed that is printed, and
`make soak` many more: OUTDIAL_TEST_CAMPAIGNS says how many on each database, OUTDIAL_TEST_SEED
repeats a run of them.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from outdial.domain.call.plan import CallPlan
from outdial.domain.record import DEFAULT_TENANT
from outdial.rehearsal.engine import Engine
from outdial.rehearsal.fate import ModeledPeople
from outdial.rehearsal.loop import Attempt, Ending, Loop
from outdial.rehearsal.memory import Before, MemoryEngine
from outdial.rehearsal.roster import RosterReader
from outdial.services.campaigns.rehearsing import numbers_of, read_before
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.database import Database
from tests.databases import InThread, empty, migrated
from tests.rehearsal.random_campaigns import RandomCampaign, earlier_campaign, random_campaign
from tests.rehearsal.store_engine import StoreEngine, numbered_calls

CAMPAIGNS = int(os.environ.get("OUTDIAL_TEST_CAMPAIGNS", "10"))
HORIZON = timedelta(days=40)


def compare_many(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Compare new campaigns in a new database at `url`."""
    first = int(os.environ.get("OUTDIAL_TEST_SEED") or secrets.randbits(32))
    kind = url.partition(":")[0]
    with capsys.disabled():
        shown = f"\n{kind}: {CAMPAIGNS} campaigns; OUTDIAL_TEST_SEED={first} repeats them\n"
        sys.stderr.write(shown)
    with migrated(url, InThread) as database:
        for seed in range(first, first + CAMPAIGNS):
            compare(database, seed)


def compare(database: Database, seed: int) -> None:
    """Run a random campaign on both engines by the same loop; for some seeds, another one has
    called its people before."""
    empty(database)
    given, before = random_campaign(seed), Before()
    plan = CallPlan.of(given.definition)
    with numbered_calls():
        earlier = earlier_campaign(seed, given)
        if earlier is not None:
            ended_at = carry_out(database, earlier, seed)
            given = replace(given, start=max(given.start, ended_at + timedelta(hours=1)))
            before = database.read_sync(
                lambda s: read_before(
                    s, DEFAULT_TENANT, numbers_of(given.drafts), given.start, None
                )
            )
        store = StoreEngine(database, given.definition, given.drafts, given.lines, given.start)
        by_store = attempts(store, given, plan, seed)
    people = list(RosterReader().people(given.drafts))
    ids = store.ids()
    for person in people:
        person.id = ids[person.position]
    memory = MemoryEngine(plan, people, given.lines, given.start, before=before)
    rehearsed = attempts(memory, given, plan, seed)
    of = f"campaign {seed}"
    for of_store, of_memory in zip(by_store[0], rehearsed[0], strict=False):
        assert of_memory == of_store, of
    assert rehearsed == by_store, of
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
    assert finals == store.finals(), of


def carry_out(database: Database, given: RandomCampaign, seed: int) -> datetime:
    """Run a campaign in the store alone; when it ended."""
    store = StoreEngine(database, given.definition, given.drafts, given.lines, given.start)
    _, ending = attempts(store, given, CallPlan.of(given.definition), seed)
    assert ending.finished, seed
    database.write_sync(lambda s: finish_campaign(s, store.record.id, now=ending.at))
    return ending.at


def attempts(
    engine: Engine, given: RandomCampaign, plan: CallPlan, seed: int
) -> tuple[list[Attempt], Ending]:
    made = list[Attempt]()
    loop = Loop(engine, ModeledPeople(given.model, seed), plan, record=made.append)
    ending = loop.run(given.start, horizon=HORIZON)
    return made, ending
