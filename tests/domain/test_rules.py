"""Calling rules: what the table says, day by day and place by place."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from outdial.domain.call.policy import AcceptedRisk
from outdial.domain.decision.decision import Dial, Ledger, Never, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.definition.caps import Cap
from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.holidays import holidays_of
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Block, Rulebook, shipped_rulebook, shipped_rules
from tests.domain.deciding import person, plan, utc


def test_every_rule_that_ships_has_a_citation_and_hours_or_more() -> None:
    rules = shipped_rules()
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.cite
        assert rule.evidence in ("P", "S", "M", "derived")
        assert rule.has_hours or rule.caps or rule.consent


@pytest.mark.parametrize(
    ("number", "now", "until"),
    [
        # Florida: 20:00, an hour before the federal end.
        ("+13055551234", "2026-03-04 00:59", "2026-03-04 00:59"),
        ("+13055551234", "2026-03-04 01:00", "2026-03-04 13:00"),
        # Texas on a Sunday: from noon.
        ("+12145551234", "2026-05-10 15:00", "2026-05-10 17:00"),
        # Pennsylvania, before and after its new hours of 18 October 2026.
        ("+12155551234", "2026-10-17 00:30", "2026-10-17 00:30"),
        ("+12155551234", "2026-10-18 15:00", "2026-10-19 13:00"),
        ("+12155551234", "2026-10-19 23:00", "2026-10-20 13:00"),
        # Louisiana's All Saints' Day, a Sunday anyway, and the Battle of New Orleans.
        ("+15045551234", "2027-01-08 15:00", "2027-01-09 14:00"),
        # Mississippi: half past eight by its clocks, half past seven in standard time.
        ("+16015551234", "2026-07-15 13:30", "2026-07-15 14:00"),
        # Italy on the eve of a holiday: the hours of a Saturday.
        ("+390612345678", "2026-06-01 07:30", "2026-06-01 08:00"),
        ("+33612345678", "2026-05-01 09:00", "2026-05-04 08:00"),
        # No state at all: the strictest of all.
        ("+18005551234", "2026-01-14 22:30", None),
    ],
)
def test_legal_hours(number: str, now: str, until: str | None) -> None:
    decision = decide(person(number), plan(), Ledger(), utc(now))
    if until is None:
        assert isinstance(decision, Never)
        assert decision.reason.code == "window_never_opens"
    elif until == now:
        assert isinstance(decision, Dial)
    else:
        assert isinstance(decision, Wait)
        assert decision.until == utc(until)
        assert decision.reason.code == "outside_legal_hours"


def test_a_holiday_rule_is_closed_where_there_is_no_calendar() -> None:
    assert holidays_of("US-LA").closed_on(date(2060, 3, 3))
    now = utc("2040-03-06 16:00")
    decision = decide(person("+15045551234"), plan(), Ledger(), now)
    assert isinstance(decision, Never)


def test_the_rules_of_the_address_and_of_the_area_code_hold_together() -> None:
    evening = utc("2026-03-04 00:30")  # 19:30 in New York
    assert isinstance(decide(person("+12125551234"), plan(), Ledger(), evening), Dial)
    away = person("+12125551234", state="RI")  # Rhode Island ends at 18:00
    assert isinstance(decide(away, plan(), Ledger(), evening), Wait)


def test_informational_calls_have_the_hours_that_the_campaign_says() -> None:
    night = utc("2026-03-04 08:00")
    informational = plan(Purpose.INFORMATIONAL)
    assert isinstance(decide(person("+13055551234", None), informational, Ledger(), night), Dial)


def test_caps_of_the_rules_roll() -> None:
    now = utc("2026-03-04 15:00")
    hours = (20, 9, 5)
    ledger = Ledger(tuple(now - timedelta(hours=h) for h in hours))
    decision = decide(person("+13055551234"), plan(), ledger, now)
    assert isinstance(decision, Wait)
    assert decision.until == now + timedelta(hours=4)
    assert "US-FL.cap" in decision.reason.text
    assert isinstance(decide(person("+12125551234"), plan(), ledger, now), Dial)


def test_caps_of_the_campaign_and_for_ever() -> None:
    now = utc("2026-03-04 15:00")
    ledger = Ledger((now - timedelta(days=200), now - timedelta(days=20)))
    month = plan(Purpose.INFORMATIONAL, caps=[Cap(calls=1, within=timedelta(days=30))])
    decision = decide(person("+12125551234"), month, ledger, now)
    assert isinstance(decision, Wait)
    assert decision.until == now + timedelta(days=10)
    ever = decide(
        person("+12125551234"), plan(Purpose.INFORMATIONAL, caps=[Cap(calls=2)]), ledger, now
    )
    assert isinstance(ever, Never)
    assert ever.reason.code == "cap"


def test_caps_of_a_number_do_not_count_the_others() -> None:
    now = utc("2026-03-04 15:00")
    ledger = Ledger((now - timedelta(hours=3), now - timedelta(hours=1)), to_number=())
    of_number = Cap.model_validate({"calls": 1, "within": "24h", "per": "number"})
    of_person = Cap.model_validate({"calls": 1, "within": "24h"})
    for cap, expected in ((of_number, Dial), (of_person, Wait)):
        capped = plan(Purpose.INFORMATIONAL, caps=[cap])
        assert isinstance(decide(person("+12125551234"), capped, ledger, now), expected)


def test_an_accepted_risk_sets_a_rule_aside_and_is_noted() -> None:
    evening = utc("2026-03-04 01:30")  # 20:30 in Miami
    assert isinstance(decide(person("+13055551234"), plan(), Ledger(), evening), Wait)
    risk = AcceptedRisk(rule="US-FL.hours", reason="existing customers, counsel agreed")
    decision = decide(person("+13055551234"), plan(accept_risk=[risk]), Ledger(), evening)
    assert isinstance(decision, Dial)
    assert decision.evidence["accepted_risks"] == [
        {"rule": "US-FL.hours", "reason": "existing customers, counsel agreed"}
    ]
    assert "US-FL.hours" not in decision.evidence["rules"]
    assert "US.hours" in decision.evidence["rules"]
    # It is noted where it bears on somebody, and nowhere else.
    elsewhere = decide(person("+12125551234"), plan(accept_risk=[risk]), Ledger(), evening)
    assert isinstance(elsewhere, Dial)
    assert elsewhere.evidence["accepted_risks"] == []


def test_a_blocked_place_waits_for_the_end_of_the_block() -> None:
    now, until = utc("2026-03-04 16:00"), utc("2026-03-10 12:00")
    block = Block(jurisdiction="US-LA", until=until, reason="emergency declared")
    book = Rulebook(blocks=[block])
    decision = decide(person("+15045551234"), plan(), Ledger(), now, book)
    assert isinstance(decision, Wait)
    assert decision.until == utc("2026-03-10 13:00")  # 08:00 in New Orleans
    assert decision.reason.code == "blocked"
    assert "emergency declared" in decision.reason.text
    assert isinstance(decide(person("+12125551234"), plan(), Ledger(), now, book), Dial)
    country = Rulebook(blocks=[block.model_copy(update={"jurisdiction": "US"})])
    assert isinstance(decide(person("+12125551234"), plan(), Ledger(), now, country), Wait)
    sales = block.model_copy(update={"purpose": Purpose.TELEMARKETING})
    informational = plan(Purpose.INFORMATIONAL)
    louisiana = person("+15045551234")
    assert isinstance(decide(louisiana, informational, Ledger(), now, Rulebook([], [sales])), Dial)


def test_a_block_beyond_the_horizon_is_the_reason_given() -> None:
    block = Block(jurisdiction="US-LA", until=utc("2099-01-01 12:00"), reason="emergency")
    book = Rulebook(blocks=[block])
    decision = decide(person("+15045551234"), plan(), Ledger(), utc("2026-03-04 16:00"), book)
    assert isinstance(decision, Never)
    assert decision.reason.code == "window_never_opens"
    assert "US-LA is blocked until 2099-01-01" in decision.reason.text


def test_an_operator_adds_stricter_rules() -> None:
    rule = Rule.model_validate(
        {
            "id": "house.no-sundays",
            "jurisdiction": "*",
            "cite": "our own policy",
            "windows": "mon-sat 10:00-18:00",
        }
    )
    sunday = utc("2026-03-08 16:00")
    informational = plan(Purpose.INFORMATIONAL)
    decision = decide(person("+12125551234"), informational, Ledger(), sunday, Rulebook([rule]))
    assert isinstance(decision, Wait)
    assert decision.until == utc("2026-03-09 14:00")
    assert "house.no-sundays (our own policy)" in decision.reason.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": "9-17"},
        {"windows": "mon-xyz 09:00-17:00"},
        {"windows": "09:00-17:00"},
        {"jurisdiction": "Florida"},
        {"holidays": "US-XX"},
        {"cite": ""},
    ],
)
def test_a_rule_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    good = {"id": "a", "jurisdiction": "US-FL", "cite": "policy"}
    with pytest.raises(ValidationError):
        Rule.model_validate(good | wrong)


def test_the_key_of_a_rulebook_names_what_is_in_it() -> None:
    rule = Rule(id="ours", jurisdiction="JP", cite="house rule")
    other = rule.model_copy(update={"cite": "another"})
    keys = {book.key for book in (Rulebook(), Rulebook([rule]), Rulebook([other]))}
    assert len(keys) == 3
    assert Rulebook([rule]).key == Rulebook([rule]).key
    assert shipped_rulebook().has("US-FL.hours")
    assert not shipped_rulebook().has("US-FL.horus")


def test_a_copy_remembers_nothing_of_its_original() -> None:
    evening = utc("2026-03-04 02:30")  # 21:30 in New York
    sales = plan()
    assert isinstance(decide(person("+12125551234"), sales, Ledger(), evening), Wait)
    copied = sales.model_copy(update={"purpose": Purpose.INFORMATIONAL})
    assert isinstance(decide(person("+12125551234"), copied, Ledger(), evening), Dial)
    rule = Rule.model_validate(
        {"id": "a", "jurisdiction": "*", "cite": "c", "windows": "sun 01:00-02:00"}
    )
    book = Rulebook([rule])
    assert isinstance(decide(person("+12125551234"), copied, Ledger(), evening, book), Wait)
    wider = Rulebook([rule.model_copy(update={"windows": ()})])
    assert isinstance(decide(person("+12125551234"), copied, Ledger(), evening, wider), Dial)
