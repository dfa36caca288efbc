"""`status` and `calls` over a real database, while nothing runs."""

from __future__ import annotations

import asyncio
import json

import pytest

from outdial.domain.call.claim import ClaimedCall
from outdial.store.db.database import Database
from tests.cli.conftest import Outdial
from tests.services.world import NUMBERS, build_world, no_temporal


def test_where_nothing_was_launched_nothing_is_made(outdial: Outdial) -> None:
    result = outdial("status")
    assert result.exit_code == 0
    assert result.output == (
        "Nothing has been launched yet in state. `outdial launch FILE` launches a campaign.\n"
    )
    assert outdial("status", "--json").stdout == "[]\n"
    named = outdial("status", "reminder")
    assert named.exit_code == 1
    assert named.stderr == "nothing has been launched yet in state\n"


def test_status_of_one(outdial: Outdial, call: ClaimedCall) -> None:
    name = call.campaign
    result = outdial("status", name)
    assert result.exit_code == 0
    assert f"{name} is running.\n  1 recipient: 1 calling\n" in result.output
    assert "No engine is running; `outdial up` resumes it" in result.output


def test_status_as_json(outdial: Outdial, call: ClaimedCall) -> None:
    name = call.campaign
    shown = json.loads(outdial("status", name, "--json").stdout)
    assert shown["campaign"] == name
    assert shown["state"] == "running"
    assert shown["recipients"] == {"calling": 1}
    assert shown["calls"] == {"queued": 1}
    assert shown["in_flight"] == 1
    every = json.loads(outdial("status", "--json").stdout)
    assert every == [shown]


def test_status_of_all(outdial: Outdial, call: ClaimedCall) -> None:
    name = call.campaign
    result = outdial("status")
    heading, row = result.output.splitlines()
    assert heading.split()[:4] == ["campaign", "line", "state", "done"]
    assert row.startswith(f"{name}  simulated (nobody's phone rings)  running  0 of 1")


def test_no_list_leaves_anything_out_silently(
    outdial: Outdial, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program gets every campaign, unless it asks for fewer; a person is told of more."""
    monkeypatch.setattr("outdial.cli.campaigns.status.LISTED", 1)

    async def place() -> str:
        world = build_world(database, await no_temporal())
        two = await world.place_calls(2)
        await world.place_calls(1)
        return two[0].campaign

    name = asyncio.run(place())
    for options, shown, more in (
        ("status", 1, "--all shows all of them"),
        ("status --all", 2, ""),
        ("status --json", 2, ""),
        ("status --json --limit 1", 1, "--all shows all of them"),
        (f"calls {name}", 2, ""),
        (f"calls {name} --limit 1", 1, "--limit shows more of them"),
        (f"calls {name} --limit 1 --json", 1, "--limit shows more of them"),
        (f"calls {name} --limit 2 --json", 2, ""),
    ):
        result = outdial(*options.split())
        as_json = "--json" in options
        lines = json.loads(result.stdout) if as_json else result.stdout.splitlines()[1:]
        told = f"There are more than 1; {more}.\n" if more else ""
        assert (result.stderr if as_json else result.stdout).endswith(told)
        assert ("more than" in result.output) == bool(more), options
        assert len(lines) - bool(more and not as_json) == shown, options


def test_calls_are_masked(outdial: Outdial, call: ClaimedCall) -> None:
    listed = outdial("calls", call.campaign)
    assert call.call_id in listed.output
    assert "+1202•••0123" in listed.output
    as_json = outdial("calls", call.campaign, "--json").stdout
    [shown] = json.loads(as_json)
    assert (shown["id"], shown["to"], shown["status"]) == (call.call_id, "+1202•••0123", "queued")
    assert NUMBERS[0] not in listed.output + as_json


def test_calls_by_status(outdial: Outdial, call: ClaimedCall) -> None:
    name = call.campaign
    result = outdial("calls", name, "--status", "no_answer")
    assert result.output == f"{name} has no calls that are no answer.\n"
    assert outdial("calls", name, "--status", "asleep").exit_code == 2


def test_a_campaign_that_is_not_there(outdial: Outdial, call: ClaimedCall) -> None:
    name = call.campaign
    for command in ("status", "calls", "pause", "watch"):
        result = outdial(command, "nobody")
        assert result.exit_code == 1
        assert result.stderr == f"there is no campaign 'nobody'; known are: {name}\n"
