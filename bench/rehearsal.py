"""Seconds, processor time and memory of a rehearsal in which everybody gets three attempts.

Recipients are spread over eight American area codes, hours are 09:00 to 18:00 of each, and a cap
makes every decision read earlier calls. Runs are in a process each, as those of the command.

    python -m bench.rehearsal [--people 10000] [--runs 1]
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from datetime import UTC, datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.zone import zone_evidence
from outdial.rehearsal.fate import Modeled
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.people import GUESSES, Endings
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.services.campaigns.rehearsing import rehearse

AREAS = ("212", "312", "303", "415", "206", "713", "305", "602")
NOBODY = GUESSES.model_copy(
    update={"endings": Endings(no_answer=2, busy=1, voicemail=1), "by_hour": ()}
)
START = datetime(2026, 3, 4, 15, tzinfo=UTC)


def campaign(people: int) -> Rehearsal:
    """Nobody is reached, so that everybody gets all attempts."""
    delays = {"delays": ["2h", "next_day"]}
    plan = CallPlan.model_validate(
        {
            "line": "line",
            "lines": [{"name": "line"}],
            "agent": {"id": "agent"},
            "purpose": "informational",
            "schedule": {"hours": "09:00-18:00"},
            "pacing": {"max_concurrent": max(50, people // 200)},
            "caps": [{"calls": 3, "within": "7d"}],
            "retry": {
                "max_attempts": 3, "busy": delays, "no_answer": delays, "voicemail": delays,
            },
        }
    )  # fmt: skip
    zones = [zone_evidence(f"+1{area}5550100").model_dump_json() for area in AREAS]
    drafts = tuple(
        LocatedDraft(
            position=at,
            phone=f"+1{AREAS[at % len(AREAS)]}{2000000 + at:07}",
            alternate_phones=(),
            zones=zones[at % len(AREAS)],
            refusal=None,
            consent=None,
            variables={},
        )
        for at in range(people)
    )
    line = LineSetup("line", max_concurrent=1000, per_second=100)
    return Rehearsal("bench", plan, drafts, (line,), START, Modeled(NOBODY))


def main(people: int, runs: int) -> None:
    rehearsal = campaign(people)
    begun = time.perf_counter()
    outcome = rehearse(rehearsal, range(runs))
    seconds = time.perf_counter() - begun
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(each.ru_utime + each.ru_stime for each in used)
    largest = max(each.ru_maxrss for each in used) / 1024
    calls = sum(run.calls for run in outcome.runs)
    print(f"{people:,} people, {runs} runs, {os.cpu_count()} cores: {calls:,} calls")
    print(f"seconds on the clock        {seconds:8.1f}")
    print(f"processor time, seconds     {processor:8.1f}")
    print(f"microseconds a call         {processor / calls * 1e6:8.1f}   of processor time")
    print(f"largest process, MiB        {largest:8.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    main(arguments.people, arguments.runs)
