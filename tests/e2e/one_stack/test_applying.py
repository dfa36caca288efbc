"""A campaign that runs is changed by commands: `apply`, `history`, `diff` and `rollback`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outdial.domain.call.claim import CampaignState
from tests.builders import phone
from tests.e2e.commands import CommandLine
from tests.e2e.stacks import Stack, campaign_text

pytestmark = pytest.mark.faults

NAME = "changed-by-command"
PEOPLE = [phone(n) for n in range(550, 554)]
LATER = {
    "start": f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
    "hours": "00:00-24:00",
}


async def test_a_campaign_is_changed_and_changed_back(
    stack: Stack, outdial: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(campaign_text(NAME, PEOPLE[:2], schedule=LATER), encoding="utf-8")
    assert (await outdial("launch", file, "--no-watch")).code == 0

    slower = campaign_text(NAME, PEOPLE[1:], schedule=LATER, pacing={"max_concurrent": 1})
    file.write_text(slower, encoding="utf-8")
    listed = await outdial("launch", file, "--no-watch")
    assert f"`outdial apply {file}` applies it" in listed.out
    kept = await outdial("apply", file, "--recipients", "keep", "--reason", "one by one")
    assert kept.code == 0, kept
    assert kept.out.startswith(f"{NAME} is at revision 2; it was at 1.\n")
    again = await outdial("apply", file, "--recipients", "keep")
    assert again.out == f"Nothing differs: {NAME} stays at revision 2.\n"
    assert (await outdial("rollback", NAME, "--reason", "too slow")).code == 0

    file.write_text(campaign_text(NAME, PEOPLE[1:]), encoding="utf-8")
    applied = await outdial("apply", file, "--recipients", "match", "--json")
    assert applied.last_json["roster"] == {
        "added": 2,
        "changed": 0,
        "same": 1,
        "missing": 1,
        "removed": 1,
    }

    over = await stack.until_over(NAME)
    history = json.loads((await outdial("history", NAME, "--json")).out)
    assert [(each["revision"], each["reason"], each["restores"]) for each in history] == [
        (4, None, None),
        (3, "too slow", 1),
        (2, "one by one", None),
        (1, None, None),
    ]
    diff = await outdial("diff", NAME, "3", "4")
    assert f"schedule.start: {LATER['start']} → not set" in diff.out
    assert over.state is CampaignState.FINISHED
    assert sorted(call.to for call in await stack.calls(NAME)) == PEOPLE[1:]
    refused = await outdial("apply", file)
    assert refused.code == 1
    assert "launch it again" in refused.err
