"""`outdial plan`: what a campaign file would do, before anything is dialed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from outdial.cli.exit_codes import FAILED, OK, VIOLATED
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.db.database import Database
from tests.cli.conftest import Outdial
from tests.services.world import NOW

START = ("--start", "2026-03-04T15:00:00Z")
CAMPAIGN = """\
name: renewal
purpose: telemarketing
agent: agent
line: simulated
schedule: {hours: "09:00-18:00"}
caps: [{calls: 3, within: 30d}]
retry: {max_attempts: 3, busy: {delays: 10m}}
recipients: {csv: people.csv}
"""
PEOPLE = """\
phone,consent,consent_proof
+12125550100,written,form 1
+12125550101,written,form 2
+18085550102,written,form 3
+12125550103,,
+12125550104,written,form 5
+81312340105,written,form 6
"""
SUPPRESSED = "+12125550104"


@pytest.fixture
def file(state_dir: Path) -> str:
    (state_dir.parent / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (state_dir.parent / "renewal.yaml").write_text(CAMPAIGN, encoding="utf-8")
    return "renewal.yaml"


def planned(outdial: Outdial, *options: str, code: int = OK) -> dict[str, Any]:
    result = outdial("plan", *options, *START, "--json")
    assert result.exit_code == code, result.output
    plan: dict[str, Any] = json.loads(result.stdout)
    return plan


def test_who_is_called_who_later_and_who_never(
    outdial: Outdial, database: Database, file: str
) -> None:
    database.write_sync(
        lambda s: suppress_all(s, DEFAULT_TENANT, [SUPPRESSED], "asked", now=NOW, source="test")
    )
    plan = planned(outdial, file, "--runs", "2")
    assert (plan["campaign"], plan["recipients"], plan["lines"]) == ("renewal", 6, ["simulated"])
    assert plan["now"]["people"] == 2
    (later,) = plan["later"]["reasons"]
    assert (later["code"], later["people"]) == ("outside_hours", 1)
    assert later["first_at"] == "2026-03-04T19:00:00Z", "09:00 in Honolulu"
    never = {reason["code"]: reason["people"] for reason in plan["never"]["reasons"]}
    assert never == {"consent_missing": 1, "suppressed": 1, "no_rules": 1}
    assert plan["never"]["examples"][0]["row"] == 4
    assert SUPPRESSED not in json.dumps(plan), "numbers are masked"
    assert plan["zone_sources"] == {"area_code": 6}
    assert [(each["cap"], each["by"], each["used"]) for each in plan["caps"]] == [
        ("3 calls in 30d per person", "campaign", 0)
    ]
    windows = {window["zones"][0]: window for window in plan["windows"]}
    assert windows["America/New_York"]["hours"] == "daily 09:00-18:00"
    assert windows["America/New_York"]["open_hours"] == 63
    assert windows["America/New_York"]["called"] == 2
    assert windows["Asia/Tokyo"]["called"] == 0
    cites = {rule["id"]: rule["cite"] for rule in windows["Pacific/Honolulu"]["rules"]}
    assert cites["US-HI.hours"] == "HRS 481P-3(8)"
    assert plan["highest_cost"] == {
        "total": "8.10 USD",
        "per_person": "2.70 USD",
        "by_budget": False,
    }, "three attempts of ten minutes at 0.09 USD to each of three"
    rehearsal = plan["rehearsal"]
    assert rehearsal["cost_millionths"]["p50"] <= 8_100_000
    assert rehearsal["seeds"] == [1, 2]
    assert rehearsal["calls"]["p50"] >= 3
    hours = {row["zone"]: row["calls"] for row in rehearsal["calls_by_hour"]}
    assert hours["Pacific/Honolulu"][9] > 0
    assert hours["Pacific/Honolulu"][8] == 0


def test_a_budget_bounds_what_it_can_cost(outdial: Outdial, file: str, tmp_path: Path) -> None:
    budget = "budget: {most: 5 USD, per_person: 2 USD}\n"
    (tmp_path / file).write_text(CAMPAIGN + budget, encoding="utf-8")
    plan = planned(outdial, file, "--runs", "1")
    assert plan["highest_cost"] == {"total": "5 USD", "per_person": "2 USD", "by_budget": True}
    assert plan["rehearsal"]["cost_millionths"]["p50"] <= 5_000_000


def test_it_is_printed(outdial: Outdial, file: str) -> None:
    result = outdial("plan", file, *START, "--runs", "1")
    assert result.exit_code == OK, result.output
    for text in (
        "renewal: 6 recipients on simulated, launched Wed 2026-03-04 15:00Z; plan ",
        "4 will be called (3 now, 1 later), 2 never (1 consent missing, 1 no rules)",
        "daily 09:00-18:00",
        "HRS 481P-3(8)",
        "time zones by area code 6",
        "rehearsed: 1 run, seed 1",
        "calls by local hour",
    ):
        assert text in result.output


def test_rejected_rows_have_their_lines(outdial: Outdial, file: str, tmp_path: Path) -> None:
    wrong = PEOPLE + "+12125550100,written,form 7\n12,,\n"
    (tmp_path / "people.csv").write_text(wrong, encoding="utf-8")
    plan = planned(outdial, file, "--runs", "0", code=FAILED)
    assert plan["rehearsal"] is None
    assert (plan["rejected"]["rows"], plan["rejected"]["duplicates"]) == (2, 1)
    assert [problem["line"] for problem in plan["rejected"]["problems"]] == [8, 9]
    assert plan["recipients"] == 6
    printed = outdial("plan", file, *START, "--runs", "0")
    assert printed.exit_code == FAILED
    assert "2 rows rejected, 1 number listed twice; a launch is refused with them:" in (
        printed.output
    )
    assert "people.csv:8:1: phone: found '+12125550100', which is on line 2" in printed.output


def test_every_recipient_is_written_to_a_file(outdial: Outdial, file: str, tmp_path: Path) -> None:
    planned(outdial, file, "--runs", "0", "--csv", "plan")
    with (tmp_path / "plan" / "recipients.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["group"] for row in rows] == ["now", "now", "later", "never", "now", "never"]
    assert rows[0]["phone"] == "+12125550100"
    assert rows[2]["until"] == "2026-03-04T19:00:00+00:00"
    assert rows[3]["code"] == "consent_missing"
    assert (tmp_path / "plan" / "rejected.csv").read_text(encoding="utf-8").startswith("file,line")
    (tmp_path / "taken").write_text("", encoding="utf-8")
    assert outdial("plan", file, "--runs", "0", "--csv", "taken").exit_code == FAILED


@pytest.mark.parametrize(
    ("policy", "violated"),
    [
        ("max_never_share: 0.5\nmin_open_hours: 60\nmax_calls_per_person: 3\n", ()),
        ("# limits\nmax_never_share: 0.3\n", ("policy.yaml:2:1: max_never_share: found 2 of 6",)),
        ("min_open_hours: 64\n", ("policy.yaml:1:1: min_open_hours: found 63 hours",) * 2),
        ("max_cost: 10.80 USD\nmax_per_person: 2.70 USD\n", ()),
        ("max_cost: 10.79 USD\n", ("policy.yaml:1:1: max_cost: found 10.80 USD; the policy",)),
        ("max_per_person: 2 EUR\n", ("policy.yaml:1:1: max_per_person: found prices in USD",)),
        ("max_calls_per_person: 2\n", ("policy.yaml:1:1: max_calls_per_person: found 3 calls",)),
    ],
)
def test_a_policy_is_enforced(
    outdial: Outdial, file: str, tmp_path: Path, policy: str, violated: tuple[str, ...]
) -> None:
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    result = outdial("plan", file, *START, "--runs", "0", "--policy", "policy.yaml")
    assert result.exit_code == (VIOLATED if violated else OK), result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("policy.yaml")]
    assert len(lines) == len(violated)
    for line, beginning in zip(lines, violated, strict=True):
        assert line.startswith(beginning)


def test_hours_of_people_who_are_never_called_break_no_policy(
    outdial: Outdial, file: str, tmp_path: Path
) -> None:
    """Rhode Island is open for 52 hours; nobody there has consented."""
    (tmp_path / "policy.yaml").write_text("min_open_hours: 60\n", encoding="utf-8")
    for consent, code in ((",", OK), ("written,form 7", VIOLATED)):
        (tmp_path / "people.csv").write_text(f"{PEOPLE}+14015550106,{consent}\n", encoding="utf-8")
        options = ("--runs", "0", "--policy", "policy.yaml")
        assert outdial("plan", file, *START, *options).exit_code == code


def test_a_wrong_policy_is_refused(outdial: Outdial, file: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("max_never_share: often\n", encoding="utf-8")
    result = outdial("plan", file, "--policy", "policy.yaml")
    assert result.exit_code == FAILED
    assert "policy.yaml:1:18: max_never_share: found 'often'" in result.output


def test_its_id_is_that_of_its_inputs(outdial: Outdial, file: str, tmp_path: Path) -> None:
    first = planned(outdial, file, "--runs", "0")["id"]
    assert planned(outdial, file, "--runs", "1", "--seed", "9")["id"] == first
    reordered = CAMPAIGN.replace("agent: agent\n", "") + "agent: agent\n"
    (tmp_path / "renewal.yaml").write_text(reordered, encoding="utf-8")
    assert planned(outdial, file, "--runs", "0")["id"] == first
    (tmp_path / "people.csv").write_text(PEOPLE + "+12125550109,,\n", encoding="utf-8")
    people = planned(outdial, file, "--runs", "0")["id"]
    (tmp_path / "renewal.yaml").write_text(CAMPAIGN.replace("3,", "4,"), encoding="utf-8")
    assert len({first, people, planned(outdial, file, "--runs", "0")["id"]}) == 3
