"""What a plan says of each recipient is what the real store then does with it."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any

import pytest

from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import DEFAULT_TENANT
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.location import LocatedDraft, locate
from outdial.domain.rules.rulebook import Block
from outdial.intake.definition import with_recipients
from outdial.rehearsal.fate import ModeledPeople
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.loop import Attempt, Loop
from outdial.rehearsal.people import Endings, PeopleModel, Spread
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.resources.resources import Resources
from outdial.services.campaigns.plan_input import PlanInput, RejectedRows
from outdial.services.campaigns.planning import CampaignPlan, PlanGroup, make_plan
from outdial.services.campaigns.rehearsing import with_records
from outdial.store.campaign.states import finish_campaign
from outdial.store.compliance.rulings import block
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.db.database import Database
from tests.builders import definition
from tests.databases import empty
from tests.rehearsal.store_engine import StoreEngine, numbered_calls
from tests.services.world import no_temporal, simulated_lines

START = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
"""A Wednesday; 10:00 in New York, 07:00 in Los Angeles and 05:00 in Honolulu."""
FEW, MANY = 80, 300
"""People: four or more of each kind."""
SOON = timedelta(minutes=1)
LINES = (LineSetup("line", max_concurrent=1000, per_second=1000),)
EVERYBODY_ANSWERS = PeopleModel(
    endings=Endings(answer=1),
    dial_seconds=Spread(median=1, p90=1),
    ring_seconds=Spread(median=1, p90=1),
    talk_seconds=Spread(median=20, p90=20),
)
WRITTEN = Consent(level=ConsentLevel.WRITTEN, proof="form 17")
NEW_YORK, CHICAGO, HOUSTON, SAN_FRANCISCO, HONOLULU = "212", "312", "713", "415", "808"


@dataclass(frozen=True)
class Kind:
    """Recipients about whom the same is decided."""

    code: str
    """Of the reason that the plan gives; nothing for those who are called at once."""
    group: PlanGroup
    area: str = NEW_YORK
    consent: Consent | None = WRITTEN
    time_zone: str | None = None
    others: int = 0
    suppressed: int = 0
    """How many of their numbers are suppressed, from the first on."""
    called_before: tuple[timedelta, ...] = ()
    prefix: str | None = None
    """Of the number, in place of an area code."""

    def draft(self, position: int) -> RecipientDraft:
        prefix = self.prefix or f"+1{self.area}55"
        number, *others = (f"{prefix}{5 + at}{position:04}" for at in range(1 + self.others))
        return RecipientDraft(
            position=position,
            phone=number,
            alternate_phones=tuple(others),
            consent=self.consent,
            time_zone=self.time_zone,
        )


def _consent(**times: datetime) -> Consent:
    return WRITTEN.model_copy(update=times)


_DAYS_AGO = tuple(timedelta(days=days) for days in range(20, 27))
_TODAY = tuple(timedelta(hours=hours) for hours in (4, 8, 12, 16, 20))
NOW, LATER, NEVER = PlanGroup.NOW, PlanGroup.LATER, PlanGroup.NEVER
KINDS = (
    Kind("", NOW),
    Kind("", NOW, CHICAGO),
    Kind("", NOW, others=2, suppressed=1),
    Kind("outside_hours", LATER, SAN_FRANCISCO, others=1),
    Kind("outside_hours", LATER, HONOLULU),
    Kind("blocked", LATER, HOUSTON),
    Kind("consent_later", LATER, consent=_consent(given_at=START + 20 * SOON)),
    Kind("cap", LATER, called_before=(timedelta(minutes=90),)),
    Kind("daily_ceiling", LATER, called_before=_TODAY),
    Kind("cap", NEVER, called_before=_DAYS_AGO),
    Kind("consent_missing", NEVER, consent=None),
    Kind("consent_missing", NEVER, consent=Consent(level=ConsentLevel.EXPRESS)),
    Kind("consent_expired", NEVER, consent=_consent(expires_at=START - SOON)),
    Kind("consent_expired", NEVER, HONOLULU, consent=_consent(expires_at=START + 120 * SOON)),
    Kind("suppressed", NEVER, suppressed=1),
    Kind("suppressed", NEVER, others=1, suppressed=2),
    Kind("window_never_opens", NEVER, time_zone="Asia/Singapore"),
    Kind("campaign_ends_first", NEVER, area="602"),
    Kind("no_rules", NEVER, prefix="+813123"),
    Kind("refused", NEVER, prefix="+180023"),
)  # fmt: skip
CAMPAIGN: dict[str, Any] = {
    "purpose": "telemarketing",
    "line": "line",
    "schedule": {"hours": "09:00-18:00", "end": START + timedelta(days=6)},
    "caps": [{"calls": 1, "within": "2h"}, {"calls": 7}],
    "pacing": {"max_concurrent": 1000},
}


@dataclass(frozen=True)
class Roster:
    kinds: tuple[Kind, ...]
    """By position."""
    drafts: tuple[LocatedDraft, ...]

    @classmethod
    def shuffled(cls, seed: int, people: int) -> Roster:
        kinds = list(islice(cycle(KINDS), people))
        random.Random(seed).shuffle(kinds)
        located = locate([kind.draft(at) for at, kind in enumerate(kinds)], None)
        return cls(tuple(kinds), tuple(draft for draft, _ in located))

    def numbers(self, of: Callable[[Kind], int]) -> Iterator[str]:
        for kind, draft in zip(self.kinds, self.drafts, strict=True):
            yield from (draft.phone, *draft.alternate_phones)[: of(kind)]


@pytest.mark.parametrize("people", [FEW, pytest.param(MANY, marks=pytest.mark.faults)])
async def test_the_plans_groups_are_what_becomes_of_each_recipient(
    session_database: Database, people: int
) -> None:
    empty(session_database)
    roster = Roster.shuffled(1, people)
    with numbered_calls():
        _call_before(session_database, roster)
        _forbid(session_database, roster)
        planned = await _planned(session_database, roster)
        _expect(planned, roster)
        _run_and_compare(session_database, planned, roster)


def _call_before(database: Database, roster: Roster) -> None:
    """Earlier campaigns that call those who are to have been called."""
    by_age: dict[timedelta, list[LocatedDraft]] = defaultdict(list)
    for kind, draft in zip(roster.kinds, roster.drafts, strict=True):
        for age in kind.called_before:
            by_age[age].append(draft)
    for age, drafts in sorted(by_age.items(), reverse=True):
        name = f"before-{int(age.total_seconds())}"
        campaign = definition(name, line="line", pacing={"max_concurrent": 1000})
        _run(database, campaign, drafts, START - age)


def _forbid(database: Database, roster: Roster) -> None:
    numbers = list(roster.numbers(lambda kind: kind.suppressed))
    blocks = {"US-TX": timedelta(days=1), "US-AZ": timedelta(days=30)}
    database.write_sync(
        lambda s: suppress_all(s, DEFAULT_TENANT, numbers, "asked", now=START, source="test")
    )
    for place, how_long in blocks.items():
        blocked = Block(jurisdiction=place, until=START + how_long, reason="storm")
        database.write_sync(
            lambda s, blocked=blocked: block(s, DEFAULT_TENANT, blocked, now=START)  # type: ignore[misc]
        )


async def _planned(database: Database, roster: Roster) -> CampaignPlan:
    campaign = definition(**CAMPAIGN)
    rehearsal = Rehearsal(campaign.name, CallPlan.of(campaign), roster.drafts, LINES, START)
    ctx = Resources(database, await no_temporal(), simulated_lines(), lambda: START)
    given = PlanInput(
        with_recipients(campaign, ()),
        await with_records(ctx, rehearsal),
        RejectedRows(0, (), 0),
        contents="",
    )
    return make_plan(given, ())


def _expect(planned: CampaignPlan, roster: Roster) -> None:
    """Every kind is planned as it is meant."""
    expected = Counter((kind.group, kind.code) for kind in roster.kinds)
    assert Counter((each.group, each.code) for each in planned.recipients) == expected
    for each, kind in zip(planned.recipients, roster.kinds, strict=True):
        assert (each.group, each.code) == (kind.group, kind.code), (each, kind)


def _run(
    database: Database, campaign: CampaignDefinition, drafts: list[LocatedDraft], at: datetime
) -> tuple[StoreEngine, list[Attempt]]:
    """Run a campaign on the store to its end; its calls."""
    made = list[Attempt]()
    store = StoreEngine(database, campaign, drafts, LINES, at)
    people = ModeledPeople(EVERYBODY_ANSWERS, 1)
    ending = Loop(store, people, CallPlan.of(campaign), record=made.append).run(at)
    assert ending.finished
    database.write_sync(lambda s: finish_campaign(s, store.record.id, now=ending.at))
    return store, made


def _run_and_compare(database: Database, planned: CampaignPlan, roster: Roster) -> None:
    store, made = _run(database, definition(**CAMPAIGN), list(roster.drafts), START)
    first: dict[int, datetime] = {}
    for attempt in made:
        assert attempt.placed_at is not None, "nothing changed, so no call was withdrawn"
        first[attempt.position] = min(
            attempt.placed_at, first.get(attempt.position, attempt.placed_at)
        )
    finals = store.finals()
    assert len(finals) == len(roster.drafts)
    for each in planned.recipients:
        _, state, outcome, attempts, _ = finals[each.position]
        assert state == "done"
        if each.group is PlanGroup.NEVER:
            assert (outcome, attempts) == (each.code, 0), each
            assert each.position not in first
        else:
            begins = START if each.until is None else each.until
            assert begins <= first[each.position] < begins + SOON, each
            assert (outcome, attempts) == ("completed", 1)
