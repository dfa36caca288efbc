"""`outdial apply`, `history`, `diff` and `rollback` while nothing runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outdial.domain.call.claim import ClaimedCall
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from tests.builders import House
from tests.cli.conftest import Outdial

NOT_RUNNING = "No engine is running; it takes effect when one starts.\n"


@pytest.fixture
def file(call: ClaimedCall, tmp_path: Path) -> Path:
    """The file of a campaign that is stored as running, changed a little."""
    path = tmp_path / "c.yaml"
    path.write_text(
        f"name: {call.campaign}\npurpose: informational\nagent: other\n"
        'schedule: {hours: "00:00-24:00", time_zone: UTC}\npacing: {max_concurrent: 3}\n'
        'recipients: [{phone: "+12025550123", first_name: Ada}, {phone: "+12025550188"}]\n',
        encoding="utf-8",
    )
    return path


def revision(database: Database, name: str) -> int:
    record = database.read_sync(lambda s: campaigns.find_campaign(s, "default", name))
    assert record is not None
    return record.revision


def test_apply_history_diff_and_rollback(
    outdial: Outdial, call: ClaimedCall, file: Path, database: Database
) -> None:
    name = call.campaign
    result = outdial("apply", "c.yaml", "--reason", "for autumn")
    assert (result.exit_code, result.output) == (
        0,
        f"{name} is at revision 2; it was at 1.\n"
        "  agent.id: reminder → other (calls claimed from now on)\n"
        "  pacing.max_concurrent: 10 → 3 (from the next claim on)\n"
        "  recipients: a list of 1 person → a list of 2 people (recipients)\n"
        "  1 recipient added\n" + NOT_RUNNING,
    )
    again = outdial("apply", "c.yaml")
    assert again.output == f"Nothing differs: {name} stays at revision 2.\n"
    diff = outdial("diff", name, "1", "2")
    assert "pacing.max_concurrent: 10 → 3 (from the next claim on)\n" in diff.output
    back = json.loads(outdial("rollback", name, "--reason", "too slow", "--json").output)
    assert (back["before"], back["revision"], back["changed"]) == (2, 3, True)
    history = outdial("history", name).output.splitlines()
    assert len(history) == 4
    assert "back to 1: too slow" in history[1]
    assert "for autumn" in history[2]
    assert "+1" in history[2]
    listed = json.loads(outdial("history", name, "--json").output)
    assert [each["revision"] for each in listed] == [3, 2, 1]
    assert listed[0]["author"].startswith("user ")


def test_what_can_not_be_changed_is_refused_with_its_place(
    outdial: Outdial, call: ClaimedCall, file: Path, database: Database
) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("informational", "telemarketing"), encoding="utf-8")
    result = outdial("apply", "c.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith("c.yaml:2:10: purpose: found telemarketing, but the campaign")
    file.write_text(text.replace("agent: other", "agnet: other"), encoding="utf-8")
    assert outdial("apply", "c.yaml").exit_code == 1
    file.write_text(text.replace(call.campaign, "unknown"), encoding="utf-8")
    assert "there is no campaign" in outdial("apply", "c.yaml").stderr
    assert revision(database, call.campaign) == 1


def test_only_from_the_expected_revision(
    outdial: Outdial, call: ClaimedCall, file: Path, database: Database
) -> None:
    result = outdial("apply", "c.yaml", "--from", "7")
    assert result.exit_code == 1
    assert "it is at version 1 now" in result.stderr
    assert revision(database, call.campaign) == 1


def test_people_who_are_not_in_the_file_stay_unless_that_is_asked(
    outdial: Outdial, call: ClaimedCall, file: Path
) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("+12025550123", "+12025550124"), encoding="utf-8")
    result = outdial("apply", "c.yaml")
    assert (
        "1 recipient of the campaign is not in the file, and stays; "
        "`--recipients match` removes it.\n"
    ) in result.output
    result = outdial("apply", "c.yaml", "--recipients", "match")
    assert "  1 recipient removed\n" in result.output


def test_a_canary_is_begun_shown_and_taken_back(
    outdial: Outdial, database: Database, tmp_path: Path
) -> None:
    house = House(database)
    house.line()
    house.launch(90, "tried")
    (tmp_path / "c.yaml").write_text(
        "name: tried\npurpose: informational\nline: simulated\nagent: other\n"
        'schedule: {hours: "00:00-24:00"}\nrecipients: [{phone: "+12025550123"}]\n',
        encoding="utf-8",
    )
    refused = outdial("apply", "c.yaml", "--canary", "5%")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "found 5% of 90 recipients who are to be called; a canary needs 40: write 45% or more\n",
    )
    assert outdial("apply", "c.yaml", "--canary", "some").exit_code == 2
    assert outdial("apply", "c.yaml", "--canary", "50%", "--recipients", "add").exit_code == 2
    begun = outdial("apply", "c.yaml", "--canary", "50%", "--reason", "a new voice")
    assert begun.output.startswith(
        "tried stays at revision 1. Revision 2 is tried on 50% of the recipients first; it is "
        "promoted after 22 of them, or taken back by itself.\n"
        "  agent.id: agent-1 → other (calls claimed from now on)\n"
    )
    shown = outdial("canary", "tried").output
    assert shown.startswith("Revision 2 of tried, for 50% of the recipients: it goes on.\n")
    assert "at most 5%" in shown
    assert "canary, 50%: a new voice" in outdial("history", "tried").output
    back = outdial("rollback", "tried")
    assert back.output.startswith("tried is at revision 3; it was at 1.\n")
    document = json.loads(outdial("canary", "tried", "--json").output)
    assert (document["state"], document["evidence_needed"]) == ("rolled_back", 80.0)
    assert document["canary"]["people"] == 0
    assert outdial("canary", "unknown").exit_code == 1
