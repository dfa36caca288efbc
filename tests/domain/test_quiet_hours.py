"""Every published vector of quiet hours: from the zones on, and from the number on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outdial.domain.call.plan import CallPlan
from outdial.domain.clocks import load_zone
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.numbers.phone import BadPhone, parse_phone
from outdial.domain.rules.rulebook import shipped_rulebook
from outdial.domain.rules.zone import UnknownZone, ZoneEvidence, zone_evidence

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "quiet_hours_vectors.json").read_text(encoding="utf-8")
)["vectors"]
UNKNOWN = ["Etc/Unknown"]
TOLD = [vector for vector in VECTORS if vector["tz_candidates"] != UNKNOWN]
REFUSED = [vector for vector in VECTORS if vector["tz_candidates"] == UNKNOWN]
NO_SUCH_PLAN = "qh60"
"""Its number is a label for two zones 25 hours apart: country code 684 is not given out."""
A_FEW_OF_MANY = "qh52"
"""It lists four of the sixteen zones of a Russian mobile number."""


def _id(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def _plan(vector: dict[str, Any]) -> CallPlan:
    windows = [
        {"days": window["days"], "hours": f"{window['start']}-{window['end']}"}
        for window in vector["rule"]["windows"]
    ]
    schedule = Schedule.model_validate(
        {
            "windows": windows,
            "excluded_dates": vector["rule"].get("exclude_local_dates", []),
            "guard": timedelta(0),
        }
    )
    return CallPlan(
        purpose=Purpose.INFORMATIONAL, line="simulated", agent=Agent(id="a"), schedule=schedule
    )


def _check(vector: dict[str, Any], decision: Decision) -> None:
    if vector["expected_callable"]:
        assert isinstance(decision, Dial)
    elif vector["expected_next_utc"] is None:
        assert isinstance(decision, Never)
    else:
        assert isinstance(decision, Wait)
        assert decision.until == datetime.fromisoformat(vector["expected_next_utc"])


@pytest.mark.parametrize("vector", TOLD, ids=_id)
def test_from_the_zones_on(vector: dict[str, Any]) -> None:
    now = datetime.fromisoformat(vector["now_utc"])
    candidate = Candidate(tuple(vector["tz_candidates"]))
    _check(vector, decide(candidate, _plan(vector), Ledger(), now))


@pytest.mark.parametrize("vector", [v for v in TOLD if v["id"] != NO_SUCH_PLAN], ids=_id)
def test_from_the_number_on(vector: dict[str, Any]) -> None:
    now = datetime.fromisoformat(vector["now_utc"])
    evidence = zone_evidence(parse_phone(vector["number"]))
    zones = _with_extra_zones(evidence)
    if vector["id"] != A_FEW_OF_MANY:
        # Names of one zone differ between sources: Asia/Kolkata and Asia/Calcutta.
        assert _clocks(zones, now) == _clocks(tuple(vector["tz_candidates"]), now)
    _check(vector, decide(Candidate(zones), _plan(vector), Ledger(), now))


@pytest.mark.parametrize("vector", REFUSED, ids=_id)
def test_a_number_without_a_zone_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(BadPhone):
        parse_phone(vector["number"])


def test_a_number_that_tells_no_zone_is_refused() -> None:
    """A satellite telephone may be anywhere; an area code of tomorrow is on no map."""
    for number in ("+881612345678", "+17292011234"):
        with pytest.raises(UnknownZone):
            zone_evidence(number)


def test_a_number_in_no_plan_is_refused() -> None:
    (vector,) = (v for v in VECTORS if v["id"] == NO_SUCH_PLAN)
    with pytest.raises(BadPhone, match="684"):
        parse_phone(vector["number"])


def test_no_vector_is_left_out() -> None:
    assert len(VECTORS) == 42
    assert len(TOLD) + len(REFUSED) == len(VECTORS)


def _with_extra_zones(evidence: ZoneEvidence) -> tuple[str, ...]:
    """Mississippi's statute names Central Standard Time, whatever its clocks show."""
    rules = shipped_rulebook().applying(Purpose.TELEMARKETING, evidence.jurisdictions).rules
    extra = {zone for rule in rules for zone in rule.extra_zones}
    return (*evidence.candidates, *sorted(extra))


def _clocks(zones: tuple[str, ...], now: datetime) -> set[str]:
    days = (now + timedelta(days=91 * quarter) for quarter in range(4))
    return {f"{day.astimezone(load_zone(zone)):%d %H:%M}" for day in days for zone in zones}
