"""Whatever the rules: never outside a window, waits are exact, and rules only forbid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Daypart, Retry
from outdial.domain.decision.conditions import is_open
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.earliest import earliest_wait
from outdial.domain.decision.planner import decide
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.caps import Cap, CapScope
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Block, Rulebook, shipped_rulebook
from outdial.domain.rules.zone import ZoneEvidence, ZoneSource
from tests.generating import examples

NOW = datetime(2026, 10, 16, 17, 0, tzinfo=UTC)
"""Two days before Pennsylvania's hours change, two weeks before New York's clocks do."""
CONSENT = Consent(level=ConsentLevel.WRITTEN, proof="form", expires_at=NOW + timedelta(days=5))
PLACES = [
    (("America/New_York",), ("US-PA",)),
    (("America/Chicago", "America/New_York"), ("US-FL",)),
    (("America/New_York",), ("US-NY", "US-RI")),
    (("Australia/Lord_Howe",), ("AU",)),
    (("Europe/Paris",), ("FR",)),
    (("America/Chicago",), ("US-MS",)),
]

spans = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda p: p[0] != p[1])
hours = spans.map(lambda p: f"{p[0]:02}:00-{p[1]:02}:00")
windows = st.tuples(st.sampled_from(["daily", "mon-fri", "sat sun", "tue", "thu-mon"]), hours)
dates = st.none() | st.integers(-3, 6).map(lambda d: (NOW + timedelta(days=d)).date())


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    values: dict[str, Any] = {
        "id": f"r{draw(st.integers(0, 10**6))}",
        "jurisdiction": draw(st.sampled_from(["*", "US", "US-PA", "FR", "AU"])),
        "cite": "made up",
        "effective_from": draw(dates),
        "effective_until": draw(dates),
        "windows": [" ".join(window) for window in draw(st.lists(windows, max_size=2))],
        "holidays": draw(st.sampled_from([(), ("US",), ("FR",)])),
        "caps": draw(st.lists(caps, max_size=1)),
        "consent": draw(st.none() | st.sampled_from(ConsentLevel)),
    }
    return Rule.model_validate(values)


caps = st.builds(
    Cap,
    calls=st.integers(1, 3),
    within=st.sampled_from([timedelta(hours=8), timedelta(hours=24), timedelta(days=30), None]),
    per=st.sampled_from(CapScope),
)
blocks = st.builds(
    Block,
    jurisdiction=st.sampled_from(["US", "US-PA", "FR"]),
    until=st.integers(1, 100).map(lambda h: NOW + timedelta(hours=h)),
    reason=st.just("emergency"),
)
schedules = st.builds(
    lambda windows, guard, end: Schedule.model_validate(
        {
            "windows": [{"days": ["mon", "wed", "fri", "sat"], "hours": each} for each in windows],
            "guard": guard,
            "end": None if end is None else NOW + timedelta(hours=end),
        }
    ),
    st.lists(hours, max_size=2),
    st.sampled_from([timedelta(0), timedelta(seconds=60), timedelta(minutes=45)]),
    st.none() | st.integers(1, 300),
)
plans = st.builds(
    lambda schedule, purpose, caps, dayparts, per_day: CallPlan(
        purpose=purpose,
        line="l",
        agent=Agent(id="a"),
        schedule=schedule,
        caps=tuple(caps),
        retry=Retry(max_attempts=20, max_attempts_per_day=per_day, dayparts=tuple(dayparts)),
    ),
    schedules,
    st.sampled_from(Purpose),
    st.lists(caps, max_size=2),
    st.lists(st.sampled_from(Daypart), max_size=2),
    st.none() | st.integers(1, 2),
)
candidates = st.builds(
    lambda place, wish, consent, attempts, promised: Candidate(
        zones=place[0],
        jurisdictions=place[1],
        not_before=None if wish is None else NOW + timedelta(minutes=wish),
        consent=consent,
        attempts=attempts,
        promised=promised,
    ),
    st.sampled_from(PLACES),
    st.none() | st.integers(-100, 5000),
    st.sampled_from([CONSENT, None]),
    st.integers(0, 5),
    st.booleans(),
)
ledgers = st.lists(st.integers(1, 60 * 24 * 40), max_size=5).map(
    lambda minutes: Ledger(tuple(NOW - timedelta(minutes=m) for m in sorted(minutes, reverse=True)))
)


def earliest(decision: Decision) -> datetime:
    if isinstance(decision, Dial):
        return NOW
    return decision.until if isinstance(decision, Wait) else datetime.max.replace(tzinfo=UTC)


@settings(max_examples=examples(150), deadline=None)
@given(candidates, plans, ledgers, st.lists(rules(), max_size=2), st.lists(blocks, max_size=1))
def test_dials_are_inside_every_window_and_waits_are_exact(
    candidate: Candidate, plan: CallPlan, ledger: Ledger, added: list[Rule], blocked: list[Block]
) -> None:
    book = Rulebook(added, blocked)
    decision = decide(candidate, plan, ledger, NOW, book)
    if isinstance(decision, Wait):
        assert decision.until > NOW
        assert isinstance(decide(candidate, plan, ledger, decision.until, book), Dial)
        before = decision.until - timedelta(seconds=1)
        assert not isinstance(decide(candidate, plan, ledger, before, book), Dial)
        halfway = NOW + (decision.until - NOW) / 2
        assert earliest(decide(candidate, plan, ledger, halfway, book)) == decision.until
    if isinstance(decision, Dial):
        applying = book.applying(plan.purpose, candidate.jurisdictions)
        assert all(block.until <= NOW for block in applying.blocks)
        for rule in applying.rules:
            assert is_open(rule.hours, (*candidate.zones, *rule.extra_zones), NOW)
        last_ring = decision.closes_at - timedelta(microseconds=1)
        assert last_ring >= NOW


@settings(max_examples=examples(150), deadline=None)
@given(candidates, plans, ledgers, st.lists(rules(), max_size=2), rules() | blocks)
def test_another_rule_never_makes_anybody_callable_earlier(
    candidate: Candidate, plan: CallPlan, ledger: Ledger, added: list[Rule], one: Rule | Block
) -> None:
    before = decide(candidate, plan, ledger, NOW, Rulebook(added))
    book = Rulebook([*added, one]) if isinstance(one, Rule) else Rulebook(added, [one])
    after = decide(candidate, plan, ledger, NOW, book)
    assert earliest(after) >= earliest(before)
    if isinstance(before, Never):
        assert isinstance(after, Never)


@settings(max_examples=examples(100), deadline=None)
@given(
    candidates, plans, ledgers, st.lists(rules(), min_size=2, max_size=3, unique_by=lambda r: r.id)
)
def test_the_order_of_rules_does_not_matter(
    candidate: Candidate, plan: CallPlan, ledger: Ledger, added: list[Rule]
) -> None:
    one = decide(candidate, plan, ledger, NOW, Rulebook(added))
    other = decide(candidate, plan, ledger, NOW, Rulebook(added[::-1]))
    assert one == other


@settings(max_examples=examples(150), deadline=None)
@given(candidates, plans, ledgers, st.lists(rules(), max_size=2), st.lists(blocks, max_size=1))
def test_nobody_gets_a_first_call_before_the_earliest_instant_for_their_zones(
    candidate: Candidate, plan: CallPlan, ledger: Ledger, added: list[Rule], blocked: list[Block]
) -> None:
    """Nor before that of the rules that ship, by which the recipients of a launch are due first."""
    first = replace(candidate, attempts=0, promised=False)
    zones = ZoneEvidence(
        candidates=first.zones, source=ZoneSource.OWN, jurisdictions=first.jurisdictions
    )
    book = Rulebook(added, blocked)
    decision = decide(first, plan, ledger, NOW, book)
    for bound in (book, shipped_rulebook()):
        wait = earliest_wait(plan, zones, NOW, bound)
        assert wait is None or earliest(decision) >= wait.until
