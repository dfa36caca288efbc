"""Consent: which is needed, when it is none, and when it is needed no more."""

from __future__ import annotations

from datetime import date

import pytest

from outdial.domain.decision.decision import Dial, Ledger, Never, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Rulebook
from tests.domain.deciding import CONSENT, person, plan, utc


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        (None, "consent_missing"),
        (Consent(level=ConsentLevel.EXPRESS, proof="call"), "consent_missing"),
        (Consent(level=ConsentLevel.WRITTEN), "consent_missing"),
        (CONSENT.model_copy(update={"scope": Purpose.INFORMATIONAL}), "consent_missing"),
        (CONSENT.model_copy(update={"expires_at": utc("2026-03-03 00:00")}), "consent_expired"),
    ],
)
def test_sales_by_an_automated_voice_need_written_consent(
    consent: Consent | None, code: str
) -> None:
    now = utc("2026-03-04 15:00")
    decision = decide(person("+12125551234", consent), plan(), Ledger(), now)
    assert isinstance(decision, Never)
    assert decision.reason.code == code
    assert isinstance(decide(person("+12125551234"), plan(), Ledger(), now), Dial)


def test_a_consent_that_expires_before_the_next_opening_is_none() -> None:
    night = utc("2026-03-04 03:00")
    soon = CONSENT.model_copy(update={"expires_at": utc("2026-03-04 10:00")})
    decision = decide(person("+12125551234", soon), plan(), Ledger(), night)
    assert isinstance(decision, Never)


def _asks_until(day: date) -> Rulebook:
    """A house rule for everybody that asks for consent before a day."""
    rule = Rule(
        id="house",
        jurisdiction="*",
        cite="made up",
        effective_until=day,
        consent=ConsentLevel.EXPRESS,
    )
    return Rulebook([rule])


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        (None, "consent_missing"),
        (
            Consent(level=ConsentLevel.EXPRESS, expires_at=utc("2026-03-04 12:00")),
            "consent_expired",
        ),
    ],
)
def test_consent_is_waited_out_where_its_rule_ends(consent: Consent | None, code: str) -> None:
    """Where its last day ends last: at UTC-12."""
    now, book = utc("2026-03-04 15:00"), _asks_until(date(2026, 3, 7))
    who, asks = person("+12125551234", consent), plan(Purpose.INFORMATIONAL)
    decision = decide(who, asks, Ledger(), now, book)
    assert isinstance(decision, Wait)
    assert decision.until == utc("2026-03-07 12:00")
    assert decision.reason.code == code
    assert isinstance(decide(who, asks, Ledger(), decision.until, book), Dial)


def test_consent_is_not_waited_out_beyond_the_end_of_the_campaign() -> None:
    now, book = utc("2026-03-04 15:00"), _asks_until(date(2026, 3, 7))
    ends = {"hours": "00:00-24:00", "end": utc("2026-03-07 12:00")}
    asks = plan(Purpose.INFORMATIONAL, schedule=Schedule.model_validate(ends))
    decision = decide(person("+12125551234", None), asks, Ledger(), now, book)
    assert isinstance(decision, Never)
    assert decision.reason.code == "consent_missing"
    years = decide(
        person("+12125551234", None),
        plan(Purpose.INFORMATIONAL),
        Ledger(),
        now,
        _asks_until(date(2036, 1, 1)),
    )
    assert isinstance(years, Never)
    assert years.reason.code == "consent_missing"


def test_a_campaign_may_demand_consent_that_no_rule_does() -> None:
    now = utc("2026-03-04 15:00")
    asks = plan(Purpose.INFORMATIONAL, consent="express")
    assert isinstance(decide(person("+12125551234", None), asks, Ledger(), now), Never)
    given = Consent(level=ConsentLevel.EXPRESS)
    assert isinstance(decide(person("+12125551234", given), asks, Ledger(), now), Dial)
