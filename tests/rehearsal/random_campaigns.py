"""Random campaigns for the comparison of a rehearsal with the store, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.money.price import LinePrice
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.location import LocatedDraft, locate
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.people import GUESSES, Endings, PeopleModel
from tests.builders import definition

_AREAS = ("212", "312", "303", "415", "808", "602", "713", "907")
_OUTCOMES = ("busy", "no_answer", "voicemail", "failed", "call_me_later")
SIZES = (1, 5, 20, 20, 60)
"""Of rosters. Longer ones take longer, and hold nothing else that matters to a claim."""
_DELAYS = ("10s", "2m", "45m", "3h", "next_day")


@dataclass(frozen=True)
class RandomCampaign:
    definition: CampaignDefinition
    drafts: tuple[LocatedDraft, ...]
    lines: tuple[LineSetup, ...]
    model: PeopleModel
    start: datetime


def random_campaign(seed: int, sizes: Sequence[int] = SIZES) -> RandomCampaign:
    chance = random.Random(seed)
    start = datetime(2026, 3, 4, 15, tzinfo=UTC) + timedelta(seconds=chance.randrange(7 * 86400))
    names = ["one", "two"][: chance.choice((1, 1, 2))]
    values: dict[str, Any] = {
        "line": [{"name": name, "weight": chance.choice((0, 1, 3))} for name in names],
        "purpose": chance.choice(("informational", "telemarketing")),
        "schedule": _schedule(chance, start),
        "retry": _retry(chance),
        "caps": _caps(chance),
        "pacing": _pacing(chance),
        "ring_timeout": chance.choice(("15s", "30s")),
        "max_duration": chance.choice(("1m", "10m")),
        "callbacks": _callbacks(chance),
    }
    prices = random.Random(f"prices {seed}")  # what was drawn without budgets stays the same
    budget = _budget(prices)
    if budget:
        values["budget"] = budget
    values["line"][0]["weight"] = chance.choice((1, 2))
    return RandomCampaign(
        definition(**values),
        tuple(_drafts(chance, sizes)),
        tuple(replace(_line(chance, name), price=_price(prices)) for name in names),
        _model(chance),
        start,
    )


def earlier_campaign(seed: int, given: RandomCampaign) -> RandomCampaign | None:
    """One that has called the same people some days before, on the same lines; for some seeds."""
    chance = random.Random(f"earlier {seed}")
    if chance.random() < 0.5:
        return None
    shares = [{"name": line.name, "weight": 1} for line in given.lines]
    of = definition("earlier", line=shares, pacing={"max_concurrent": 30})
    # No line goes out of service: that would last.
    endings = Endings(answer=4, voicemail=2, no_answer=3, busy=1)
    changes = {"endings": endings, "by_hour": (), "dispositions": {"opted_out": 0.3}}
    start = given.start - timedelta(hours=chance.randrange(12, 96))
    people = GUESSES.model_copy(update=changes)
    return RandomCampaign(of, given.drafts, given.lines, people, start)


def _schedule(chance: random.Random, start: datetime) -> dict[str, Any]:
    schedule: dict[str, Any] = {
        "hours": chance.choice(("00:00-24:00", "09:00-18:00", ["09:00-11:30", "16:00-20:30"]))
    }
    if chance.random() < 0.3:
        schedule["days"] = ["mon", "wed", "thu", "sat"]
    if chance.random() < 0.3:
        schedule["end"] = start + timedelta(hours=chance.randrange(6, 200))
    return schedule


def _retry(chance: random.Random) -> dict[str, Any]:
    retry: dict[str, Any] = {"max_attempts": chance.randrange(1, 6)}
    for outcome in _OUTCOMES:
        if chance.random() < 0.75:
            retry[outcome] = {"delays": chance.choices(_DELAYS, k=chance.randrange(1, 3))}
    if chance.random() < 0.3:
        retry["max_attempts_per_day"] = chance.randrange(1, 3)
    if chance.random() < 0.3:
        retry["dayparts"] = chance.sample(("morning", "afternoon", "evening", "weekend"), k=2)
    if chance.random() < 0.5:
        retry["jitter"] = "7m"
    return retry


def _caps(chance: random.Random) -> list[dict[str, Any]]:
    caps: list[dict[str, Any]] = [
        {"calls": 1, "within": "2h"},
        {"calls": 2, "within": "24h", "per": "number"},
        {"calls": 3, "within": "7d"},
        {"calls": 3},
    ]
    return chance.sample(caps, k=chance.choice((0, 0, 1, 2)))


def _pacing(chance: random.Random) -> dict[str, Any]:
    pacing: dict[str, Any] = {"max_concurrent": chance.choice((1, 2, 5, 30))}
    if chance.random() < 0.3:
        pacing["per_minute"] = chance.randrange(1, 10)
    return pacing


def _callbacks(chance: random.Random) -> list[dict[str, Any]]:
    callbacks: list[dict[str, Any]] = [
        {"do": "redial", "when": {"disposition": "call_me_later"}},
        {"do": "suppress", "when": {"outcome": "busy", "final": True}},
    ]
    return chance.sample(callbacks, k=chance.choice((0, 0, 1, 2)))


def _line(chance: random.Random, name: str) -> LineSetup:
    return LineSetup(
        name,
        max_concurrent=chance.choice((1, 3, 25)),
        per_second=chance.choice((0.2, 1, 10)),
        breaker=BreakerPolicy(min_attempts=chance.choice((2, 10)), share=0.4),
        simulated=chance.random() < 0.5,
    )


def _budget(chance: random.Random) -> dict[str, str]:
    if chance.random() < 0.5:
        return {}
    limits = {"most": (3, 60), "per_day": (3, 20), "per_person": (3, 5)}
    named = chance.sample(sorted(limits), k=chance.randrange(1, 4))
    return {name: f"{chance.randint(*limits[name])} USD" for name in named}


def _price(chance: random.Random) -> LinePrice:
    return LinePrice(
        "USD",
        per_minute=chance.choice((0, 90_000, 200_000)),
        per_call=chance.choice((0, 10_000, 500_000)),
        increment=chance.choice((1, 6, 60)),
    )


def _model(chance: random.Random) -> PeopleModel:
    if chance.random() < 0.4:
        return GUESSES
    weights = {name: round(chance.random(), 2) for name in Endings.model_fields}
    weights["rejected"] /= 10
    return GUESSES.model_copy(update={"endings": Endings(**weights), "by_hour": ()})


def _drafts(chance: random.Random, sizes: Sequence[int]) -> list[LocatedDraft]:
    drafts = []
    for position in range(chance.choice(sizes)):
        number = f"+1{chance.choice(_AREAS)}555{position:04}"
        others: tuple[str, ...] = ()
        if chance.random() < 0.3:
            others = (f"+1{chance.choice(_AREAS)}556{chance.randrange(40):04}",)
        consent = None
        if chance.random() < 0.7:
            consent = Consent(level=ConsentLevel.WRITTEN, proof="form 17")
        drafts.append(
            RecipientDraft(
                position=position, phone=number, alternate_phones=others, consent=consent
            )
        )
    return [draft for draft, _ in locate(drafts, None)]
