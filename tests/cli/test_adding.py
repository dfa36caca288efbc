"""`outdial add`: a contact file joins a campaign, all of it or nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from outdial.cli.campaigns.staging import describe_staging
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.record import StagingKind, StagingRecord, StagingState
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from outdial.store.roster.roster import list_recipients
from tests.cli.conftest import Outdial
from tests.services.world import NOW


def phones(database: Database, name: str) -> list[str]:
    record = database.read_sync(lambda s: campaigns.find_campaign(s, "default", name))
    assert record is not None
    return [
        one.phone for one in database.read_sync(lambda s: list_recipients(s, record.id, launch=1))
    ]


def test_a_file_is_added_while_nothing_runs(
    outdial: Outdial, call: ClaimedCall, database: Database, tmp_path: Path
) -> None:
    before = phones(database, call.campaign)
    (tmp_path / "more.csv").write_text("phone,first_name\n+12025550177,Eve\n", encoding="utf-8")
    result = outdial("add", call.campaign, "more.csv")
    assert (result.exit_code, result.output) == (
        0,
        f"Added 1 recipient to {call.campaign}. "
        "No engine is running; they are called when one starts.\n",
    )
    assert phones(database, call.campaign) == [*before, "+12025550177"]


def test_a_row_that_is_wrong_adds_nobody(
    outdial: Outdial, call: ClaimedCall, database: Database, tmp_path: Path
) -> None:
    before = phones(database, call.campaign)
    (tmp_path / "more.csv").write_text("phone\n+12025550177\n12\n", encoding="utf-8")
    result = outdial("add", call.campaign, "more.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("more.csv:3:1: phone: found '12'")
    assert phones(database, call.campaign) == before
    assert outdial("add", "nobody", "more.csv").exit_code == 1


def test_progress_is_one_line() -> None:
    record = StagingRecord(
        id=1, public_id="p", tenant="default", campaign="c", kind=StagingKind.LAUNCH,
        state=StagingState.STAGING, unfinished=True, campaign_id=1, launch=1, row_launch=1,
        rows_read=312_000, problem_count=2, started_at=NOW, updated_at=NOW + timedelta(seconds=12),
    )  # fmt: skip
    assert describe_staging(record) == "312,000 rows read, 26,000 a second, 2 problems so far"
