"""`outdial results` and `outdial remove`, while nothing runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from outdial.domain.call.claim import ClaimedCall
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from outdial.store.roster.roster import list_recipients
from tests.cli.conftest import Outdial
from tests.services.world import NUMBERS

OTHER = "+12025550177"


def add_one(outdial: Outdial, name: str, folder: Path) -> None:
    (folder / "more.csv").write_text(f"phone,first_name\n{OTHER},=1+1\n", encoding="utf-8")
    assert outdial("add", name, "more.csv").exit_code == 0


def test_results_as_a_table_json_and_csv(
    outdial: Outdial, call: ClaimedCall, tmp_path: Path
) -> None:
    name = call.campaign
    add_one(outdial, name, tmp_path)
    heading, first, second = outdial("results", name).output.splitlines()
    assert heading.split()[:3] == ["number", "state", "outcome"]
    assert first.split()[:3] == ["+1202•••0123", "calling", "0"]
    assert second.split()[:3] == ["+1202•••0177", "waiting", "0"]
    shown = json.loads(outdial("results", name, "--json").stdout)
    assert [one["phone"] for one in shown] == ["+1202•••0123", "+1202•••0177"]
    assert shown[0]["last_call"] == call.call_id
    rows = list(csv.DictReader(outdial("results", name, "--csv").stdout.splitlines()))
    assert [row["phone"] for row in rows] == [NUMBERS[0], OTHER]
    assert [row["recipient_state"] for row in rows] == ["calling", "waiting"]
    assert rows[1]["var_first_name"] == "'=1+1"


def test_results_that_are_not_shown_are_mentioned(
    outdial: Outdial, call: ClaimedCall, tmp_path: Path
) -> None:
    add_one(outdial, call.campaign, tmp_path)
    limited = outdial("results", call.campaign, "--limit", "1")
    assert len(limited.output.splitlines()) == 3
    assert "There are more than 1; --limit shows more of them." in limited.output
    assert outdial("results", call.campaign, "--csv", "--json").exit_code == 2
    assert outdial("results", "nobody").exit_code == 1
    assert outdial("results", "nobody", "--csv").exit_code == 1


def test_a_person_is_removed(
    outdial: Outdial, call: ClaimedCall, database: Database, tmp_path: Path
) -> None:
    name = call.campaign
    add_one(outdial, name, tmp_path)
    assert outdial("remove", name, OTHER).output == f"Removed +1202•••0177 from {name}.\n"
    again = outdial("remove", name, OTHER).output
    assert again == f"+1202•••0177 is done in {name}: nothing was changed.\n"
    during = outdial("remove", name, NUMBERS[0]).output
    assert during.endswith("1 call will be ended when an engine starts.\n")
    record = database.read_sync(lambda s: campaigns.find_campaign(s, "default", name))
    assert record is not None
    people = database.read_sync(lambda s: list_recipients(s, record.id, launch=1))
    assert [(one.state.value, one.outcome) for one in people] == [
        ("calling", None),
        ("done", "canceled"),
    ]


def test_nobody_is_removed_by_a_wrong_number(outdial: Outdial, call: ClaimedCall) -> None:
    nobody = outdial("remove", call.campaign, "+12125559999")
    assert (nobody.exit_code, nobody.stderr) == (
        1,
        f"nobody on the roster of {call.campaign} has the number +1212•••9999\n",
    )
    assert outdial("remove", "direct", "+12125559999").exit_code == 1
    assert outdial("remove", call.campaign, "12").exit_code == 1
