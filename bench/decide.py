"""Microseconds for one decision, its ledger loaded, beside a bare reading of the clock.

The baseline is the least that any check of calling hours does: the wall time in one zone.

    python -m bench.decide [--times 5000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from outdial.domain.call.plan import CallPlan
from outdial.domain.call.retry import Retry
from outdial.domain.clocks import load_zone
from outdial.domain.decision.decision import Candidate, Dial, Ledger
from outdial.domain.decision.planner import decide
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.caps import Cap
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.zone import zone_evidence

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
LEDGER = Ledger((NOW - timedelta(days=5), NOW - timedelta(days=2), NOW - timedelta(hours=20)))
CAPS = (Cap(calls=3, within=timedelta(hours=24)), Cap(calls=4, within=timedelta(days=30)))


def plan(purpose: Purpose, *caps: Cap) -> CallPlan:
    return CallPlan(
        purpose=purpose,
        line="simulated",
        agent=Agent(id="a"),
        schedule=Schedule.model_validate({"hours": "09:00-18:00"}),
        retry=Retry(max_attempts=9, max_attempts_per_day=2),
        caps=caps,
    )


def person(number: str, **address: str) -> Candidate:
    evidence = zone_evidence(number, **address)  # type: ignore[arg-type]
    return Candidate(
        zones=evidence.candidates,
        jurisdictions=evidence.jurisdictions,
        attempts=2,
        consent=Consent(level=ConsentLevel.WRITTEN, proof="form 17"),
    )


def microseconds(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - begun) / times * 1e6)
    return best


def main(times: int) -> None:
    zone = load_zone("America/New_York")
    print(f"a look at one clock       {microseconds(lambda: NOW.astimezone(zone), times):6.1f} us")
    new_yorker, away = person("+12125551234"), person("+12125551234", state="FL")
    cases = {
        "reminder, one zone": (new_yorker, plan(Purpose.INFORMATIONAL)),
        "sales, two zones, caps": (away, plan(Purpose.TELEMARKETING, *CAPS)),
    }
    for name, (who, how) in cases.items():

        def once(who: Candidate = who, how: CallPlan = how) -> object:
            return decide(who, how, LEDGER, NOW)

        assert isinstance(once(), Dial)
        print(f"Dial: {name:20}{microseconds(once, times):6.1f} us")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5000)
    main(parser.parse_args().times)
