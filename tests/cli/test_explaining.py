"""`outdial explain`: of a recipient, and without a number of a whole campaign."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from outdial.domain.call.status import CallStatus
from outdial.domain.rules.location import locate
from outdial.store.db.database import Database
from outdial.store.roster import roster
from tests.builders import House, draft, phone
from tests.cli.conftest import Outdial

NEVER_NOW = {"days": ["mon"], "hours": "00:00-00:01", "guard": "0s"}
"""Hours that the test does not run in, but for a minute a week."""


@pytest.fixture
def house(database: Database) -> House:
    house = House(database)
    house.now = datetime.now(UTC)
    house.line()
    return house


def test_a_recipient_by_the_clock_where_they_are(outdial: Outdial, house: House) -> None:
    house.launch(1, schedule=NEVER_NOW)
    shown = outdial("explain", "reminder", phone(0)).output
    assert re.search(
        r"  waits until Mon [-\d]+ 00:00 in America/New_York \(0[45]:00 UTC\): calls are made",
        shown,
    ), shown
    assert "+00:00" not in shown


def test_consent_that_a_purpose_declares_is_told_as_such(outdial: Outdial, house: House) -> None:
    campaign = house.launch(0, schedule=NEVER_NOW)
    rows = [each for each, _ in locate([draft(0)], "UTC")]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    shown = outdial("explain", "reminder", phone(0)).output
    assert "US.informational-consent: express consent, which launching as informational" in shown
    assert (
        "  consent: express, declared by launching the campaign as informational; none in the "
        "contact file\n"
    ) in shown
    (explained,) = json.loads(outdial("explain", "reminder", phone(0), "--json").output)
    assert (explained["consent"], explained["consent_declared"]) == (None, "express")


def test_what_a_campaign_waits_for_by_count(outdial: Outdial, house: House) -> None:
    house.launch(5, schedule=NEVER_NOW)
    result = outdial("explain", "reminder")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "reminder is running; 0 in flight; recipients: 5 waiting"
    assert lines[1] == "  no engine is running; `outdial up` resumes it"
    assert lines[2].startswith("  5 people: calls are made 00:00-00:01; it is ")
    assert re.match(
        r"    can be called from Mon .* in America/New_York \(0[45]:00 UTC\) on$", lines[3]
    )
    assert lines[4].startswith("    what could change it: other schedule.hours")
    shown = json.loads(outdial("explain", "reminder", "--json").output)
    assert {state: count for state, count in shown["recipients"].items() if count} == {"waiting": 5}
    assert [(each["code"], each["people"]) for each in shown["waiting"]] == [("outside_hours", 5)]
    assert shown["next_call_at"] == shown["waiting"][0]["next_call_at"]


def test_a_paused_campaign_says_so_first(outdial: Outdial, house: House) -> None:
    house.launch(1, schedule=NEVER_NOW)
    outdial("pause", "reminder", "--reason", "lunch")
    shown = outdial("explain", "reminder").output
    assert "  it is paused: lunch; `outdial resume reminder` places calls again\n" in shown


def test_the_next_call_is_shown_by_the_clock_where_the_person_is(
    outdial: Outdial, house: House
) -> None:
    """A retry's delay ends outside the hours: shown is the opening that follows."""
    house.now = house.now.replace(hour=15, minute=0)
    retry = {"max_attempts": 2, "busy": {"delays": "5h"}}
    day = {"days": [f"{house.now:%a}".lower()], "hours": "09:00-12:00"}
    campaign = house.launch(1, retry=retry, schedule=day)
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.end(call.call_id, CallStatus.BUSY)
    house.claim(campaign)
    opens = house.now.date() + timedelta(days=7)
    expected = rf"{opens:%a %Y-%m-%d} 09:00 in America/New_York \(1[34]:00 UTC\)"
    assert re.search(rf" 1  {expected}$", outdial("status").output, re.MULTILINE)
    assert re.search(
        rf"; next: {expected} for 1 person$", outdial("status", "reminder").output, re.MULTILINE
    )
    detail = json.loads(outdial("status", "reminder", "--json").output)
    assert detail["next_call_zone"] == "America/New_York"
    assert detail["next_call_at"].startswith(opens.isoformat())


def test_no_such_campaign(outdial: Outdial, house: House) -> None:
    house.launch(1)
    result = outdial("explain", "nobody")
    assert result.exit_code == 1
    assert result.stderr == "there is no campaign 'nobody'; known are: reminder\n"
