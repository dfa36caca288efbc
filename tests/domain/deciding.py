"""People, plans and instants for decisions under the rules that ship."""

from __future__ import annotations

from datetime import UTC, datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.decision import Candidate
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.zone import zone_evidence

CONSENT = Consent(level=ConsentLevel.WRITTEN, proof="form 17")
ANY_HOUR = Schedule.model_validate({"hours": "00:00-24:00", "guard": "0s"})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(purpose: Purpose = Purpose.TELEMARKETING, **changes: object) -> CallPlan:
    values = {"purpose": purpose, "line": "l", "agent": Agent(id="a"), "schedule": ANY_HOUR}
    return CallPlan.model_validate(values | changes)


def person(number: str, consent: Consent | None = CONSENT, **address: str) -> Candidate:
    evidence = zone_evidence(number, **address)  # type: ignore[arg-type]
    return Candidate(
        zones=evidence.candidates, jurisdictions=evidence.jurisdictions, consent=consent
    )
