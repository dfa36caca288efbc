"""Where nothing is known nothing is dialed."""

from __future__ import annotations

import pytest

from outdial.domain.decision.planner import Candidate, Dial, Ledger, Never, Wait, decide
from outdial.domain.definition.campaign import AcceptedRisk
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Rulebook
from tests.domain.deciding import CONSENT, person, plan, utc


def test_a_country_without_rules_is_refused_and_a_rule_of_ones_own_is_no_way_in() -> None:
    now = utc("2026-03-04 03:00")
    tokyo = person("+81312345678")
    refused = decide(tokyo, plan(), Ledger(), now)
    assert isinstance(refused, Never)
    assert refused.because.code == "no_rules"
    own = Rulebook([Rule(id="ours", jurisdiction="JP", cite="house rule")])
    assert isinstance(decide(tokyo, plan(), Ledger(), now, own), Never)
    risk = AcceptedRisk(rule="no-rules.JP", reason="counsel looked at it in May")
    assert isinstance(decide(tokyo, plan(accept_risk=[risk]), Ledger(), now), Dial)
    nowhere = Candidate(zones=("Asia/Tokyo",), consent=CONSENT)
    assert isinstance(decide(nowhere, plan(), Ledger(), now), Never)


def test_a_country_whose_rules_have_not_begun_or_have_ended_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shipping(**dates: str) -> Rulebook:
        rule = {
            "id": "FR.only",
            "jurisdiction": "FR",
            "cite": "loi",
            "windows": "daily 00:00-24:00",
        }
        rules = (Rule.model_validate(rule | dates),)
        monkeypatch.setattr("outdial.domain.rules.rulebook.shipped_rules", lambda: rules)
        return Rulebook()

    now = utc("2026-03-04 03:00")
    paris = person("+33123456789")
    begun = shipping(effective_from="2026-03-01")
    assert isinstance(decide(paris, plan(), Ledger(), now, begun), Dial)
    later = decide(paris, plan(), Ledger(), now, shipping(effective_from="2026-03-05"))
    assert isinstance(later, Wait)
    assert (later.until, later.because.code) == (utc("2026-03-05 12:00"), "no_rules")
    over = shipping(effective_until="2026-03-01")
    ended = decide(paris, plan(), Ledger(), now, over)
    assert isinstance(ended, Never)
    assert ended.because.code == "no_rules"
    risk = AcceptedRisk(rule="no-rules.FR", reason="counsel looked at it in May")
    assert isinstance(decide(paris, plan(accept_risk=[risk]), Ledger(), now, over), Dial)
