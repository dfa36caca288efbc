"""`outdial log`: who did what, and whether that is still what was written."""

from __future__ import annotations

import getpass
import json

from sqlalchemy import update

from outdial.domain.call.claim import ClaimedCall
from outdial.store.db.database import Database
from outdial.store.db.tables import operator_log
from tests.cli.conftest import Outdial


def test_what_the_command_line_did(outdial: Outdial, call: ClaimedCall) -> None:
    outdial("pause", call.campaign, "--reason", "lunch")
    outdial("resume", call.campaign)
    outdial("keys", "create", "booking", "--scope", "calls:write")
    outdial("suppress", "+1 202-555-0199", "--reason", "asked by letter")
    outdial("lift", "+1 202-555-0199", "--reason", "a mistake")
    outdial("block", "US-LA", "--until", "2090-01-01", "--reason", "storm")
    listed = outdial("log")
    assert listed.exit_code == 0
    heading, *rows = listed.output.splitlines()
    assert heading.split() == ["when", "who", "through", "did", "to", "reason", "details"]
    did = [row.split("cli")[1].split()[:2] for row in rows]
    assert did == [
        ["block", "place/US-LA"],
        ["lift", "suppressions"],
        ["suppress", "suppressions"],
        ["create", did[3][1]],
        ["resume", f"campaign/{call.campaign}"],
        ["pause", f"campaign/{call.campaign}"],
    ]
    assert all(f"user {getpass.getuser()}" in row for row in rows)
    assert "5550199" not in listed.output


def test_of_one_campaign_or_key_and_no_more_than_asked_for(
    outdial: Outdial, call: ClaimedCall
) -> None:
    for command in ("pause", "resume"):
        outdial(command, call.campaign)
    key = json.loads(outdial("keys", "create", "booking", "--json").stdout)["id"]
    mine = json.loads(outdial("log", call.campaign, "--json").stdout)
    assert [entry["action"] for entry in mine] == ["resume", "pause"]
    (made,) = json.loads(outdial("log", "--about", f"key/{key}", "--json").stdout)
    assert (made["action"], made["details"]["name"]) == ("create", "booking")
    few = outdial("log", "--limit", "1", "--json")
    assert len(json.loads(few.stdout)) == 1
    assert "more than 1" in few.stderr
    assert json.loads(outdial("log", "--tenant", "acme", "--json").stdout) == []


def test_a_changed_log_is_noticed(outdial: Outdial, database: Database, call: ClaimedCall) -> None:
    outdial("pause", call.campaign)
    sound = json.loads(outdial("log", "--verify", "--json").stdout)
    assert (sound["entries"], sound["problems"]) == (1, [])
    assert "Nothing was changed or removed." in outdial("log", "--verify").output
    outdial("resume", call.campaign)
    assert outdial("log", "--kept", sound["head"]).exit_code == 0
    database.write_sync(
        lambda s: s.connection().execute(
            update(operator_log).where(operator_log.c.sequence == 1).values(hash="0")
        )
    )
    changed = outdial("log", "--kept", sound["head"])
    assert changed.exit_code == 1
    assert "entry 1: it is not the entry of the kept head" in changed.output
