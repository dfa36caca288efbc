"""Launching the file of a campaign that runs already says what of it is not applied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from outdial.cli.campaigns.differences import unapplied_lines
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan
from outdial.domain.definition.differences import differences
from outdial.domain.definition.source import CsvSource
from outdial.domain.record import CampaignRecord
from outdial.services.campaigns.launching import Launch
from tests import builders

FILE = Path("reminder.yaml")
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
COMMANDS = (
    "`outdial plan reminder.yaml` shows what would change, `outdial apply reminder.yaml` applies "
    "it."
)


def lines(*, csv: bool = False, resumed: bool = False, **changes: object) -> list[str]:
    before = builders.definition("reminder")
    if csv:
        source = CsvSource.model_validate({"csv": "people.csv"})
        before = before.model_copy(update={"recipients": source})
    after = before.model_copy(update=changes)
    record = CampaignRecord(
        id=1,
        tenant="default",
        name="reminder",
        state=CampaignState.RUNNING,
        revision=3,
        launch=1,
        direct=False,
        plan=CallPlan.of(before),
        created_at=NOW,
        launched_at=NOW,
    )
    launch = Launch(
        record, "w", created=False, resumed=resumed, differences=differences(before, after)
    )
    return list(unapplied_lines(FILE, after, launch))


def test_what_differs_is_listed_with_the_commands_that_show_and_apply_it() -> None:
    shown = lines(ring_timeout=timedelta(seconds=41))
    assert shown[0] == "reminder.yaml differs from revision 3, which runs:"
    assert shown[1].startswith("  ring_timeout: ")
    assert shown[-1] == COMMANDS
    assert len(shown) == 3


def test_rows_of_a_file_are_not_compared_and_that_is_said() -> None:
    assert lines(csv=True) == [
        "No key of reminder.yaml differs from revision 3, which runs.",
        "The rows of its contact file were not compared.",
        COMMANDS,
    ]
    assert "The rows of its contact file were not compared." in lines(
        csv=True, ring_timeout=timedelta(seconds=41)
    )


def test_an_interrupted_launch_that_resumes_has_nothing_to_say() -> None:
    assert lines(csv=True, resumed=True) == []
    assert lines() == []
