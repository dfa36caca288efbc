"""`outdial plan --out`, and `apply` and `launch` of what it wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from outdial.cli.exit_codes import FAILED, INTERRUPTED, OK
from outdial.domain.call.claim import ClaimedCall
from tests.cli.conftest import Outdial


@pytest.fixture
def file(call: ClaimedCall, tmp_path: Path) -> Path:
    """The file of a campaign that is stored as running, changed a little."""
    folder = tmp_path / "campaigns"
    folder.mkdir()
    path = folder / "c.yaml"
    (folder / "people.csv").write_text("phone,first_name\n+12025550123,Ada\n+12025550188,\n")
    path.write_text(
        f"name: {call.campaign}\npurpose: informational\nagent: other\n"
        'schedule: {hours: "00:00-24:00", time_zone: UTC}\npacing: {max_concurrent: 3}\n'
        "recipients: {csv: people.csv}\n",
        encoding="utf-8",
    )
    return path


def test_a_plan_is_applied_once(outdial: Outdial, call: ClaimedCall, file: Path) -> None:
    planned = outdial("plan", str(file), "--runs", "0", "--out", "c.plan")
    assert planned.exit_code == OK, planned.output
    for text in (
        f"changes of {call.campaign}, which is running at revision 1:",
        "  pacing.max_concurrent: 10 → 3 (from the next claim on)",
        "  agent.id: reminder → other (calls claimed from now on)",
        "  1 recipient added",
        "  1 call under way: as claimed, to the end; ",
    ):
        assert text in planned.output
    applied = outdial("apply", "c.plan")
    assert applied.exit_code == OK, applied.output
    assert f"{call.campaign} is at revision 2; it was at 1." in applied.output
    again = outdial("apply", "c.plan")
    assert again.exit_code == FAILED
    assert again.stderr == (
        "the plan is stale; make a new one. Changed since then: the campaign "
        "(launch 1 at revision 1, now launch 1 at revision 2)\n"
    )
    launched = outdial("plan", str(file), "--runs", "0")
    assert f"no key differs from {call.campaign}, which is running at revision 2" in (
        launched.output
    )


def test_a_stale_plan_is_refused_by_name(outdial: Outdial, file: Path) -> None:
    assert outdial("plan", str(file), "--runs", "0", "--out", "c.plan").exit_code == OK
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("max_concurrent: 3", "max_concurrent: 4"), encoding="utf-8")
    with (file.parent / "people.csv").open("a", encoding="utf-8") as people:
        people.write("+12025550177,\n")
    refused = outdial("apply", "c.plan")
    assert refused.exit_code == FAILED
    assert "Changed since then: the definition; the recipients" in refused.stderr


def test_a_damaged_plan_is_no_campaign_file(outdial: Outdial, file: Path, tmp_path: Path) -> None:
    assert outdial("plan", str(file), "--runs", "0", "--out", "c.plan").exit_code == OK
    plan = tmp_path / "c.plan"
    assert json.loads(plan.read_text(encoding="utf-8"))["file"] == "campaigns/c.yaml"
    plan.write_text(plan.read_text(encoding="utf-8")[:200], encoding="utf-8")
    refused = outdial("apply", "c.plan")
    assert refused.exit_code == FAILED
    assert "found a plan that is damaged or of another version; make a new one" in refused.stderr


def test_an_interrupted_launch_names_the_file_that_resumes_it(
    outdial: Outdial, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plan is stale from the launch on."""
    assert outdial("plan", str(file), "--runs", "0", "--out", "c.plan").exit_code == OK

    @asynccontextmanager
    async def attached(*_: object, **options: object) -> AsyncIterator[None]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # as a signal does
        await asyncio.sleep(0)
        yield

    monkeypatch.setattr("outdial.cli.campaigns.launch.attached", attached)
    interrupted = outdial("launch", "c.plan")
    assert interrupted.exit_code == INTERRUPTED, interrupted.output
    assert "`outdial launch campaigns/c.yaml` resumes it" in interrupted.stderr
