"""`outdial plan`, and what a launch of the plan does then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import phone
from tests.e2e.commands import CommandLine
from tests.e2e.stacks import Stack

pytestmark = pytest.mark.faults

CAMPAIGN = """\
name: planned
purpose: informational
agent: agent
line: simulated
consent: express
schedule: {hours: "00:00-24:00"}
pacing: {max_concurrent: 50}
recipients: {csv: planned.csv}
"""
FIRST = 700
"""Of the numbers of this test."""


async def test_a_launch_does_what_its_plan_says(
    stack: Stack, outdial: CommandLine, tmp_path: Path
) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat(timespec="seconds")
    numbers = [phone(FIRST + at) for at in range(20)]
    rows = [f"{number},express,form," for number in numbers[:8]]
    rows += [f"{number},express,form,{soon}" for number in numbers[8:11]]
    rows += [f"{number},,," for number in numbers[11:16]]
    rows += [f"{number},express,form," for number in numbers[16:]]
    header = "phone,consent,consent_proof,consent_given_at"
    (tmp_path / "planned.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    file, plan = tmp_path / "planned.yaml", tmp_path / "planned.plan"
    file.write_text(CAMPAIGN, encoding="utf-8")
    for number in numbers[16:]:
        assert (await outdial("suppress", number, "--reason", "asked")).code == 0
    planned = await outdial("plan", file, "--runs", "2", "--out", plan, "--json")
    assert planned.code == 0, planned
    document = planned.last_json
    called = document["now"]["people"] + document["later"]["people"]
    never = {reason["code"]: reason["people"] for reason in document["never"]["reasons"]}
    assert (called, never) == (11, {"consent_missing": 5, "suppressed": 4})
    launched = await outdial("launch", plan, "--json")
    assert launched.code == 0, launched
    assert launched.last_json["recipients"] == {"completed": called, **never}
    stale = await outdial("launch", plan, "--again", "--json")
    assert stale.code == 1
    assert "the campaign (not launched, now launch 1 at revision 1)" in stale.err
