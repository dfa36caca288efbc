"""`outdial schedule` and `outdial unschedule` where nothing runs that could keep a schedule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import phone
from tests.cli.conftest import Outdial
from tests.e2e.stacks import campaign_text


@pytest.mark.usefixtures("database")
def test_records_without_an_engine_keep_no_schedule(outdial: Outdial, tmp_path: Path) -> None:
    """A campaign was launched here before, by a command that has ended since."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns/daily.yaml").write_text(campaign_text("daily", [phone(0)]))
    for arguments in (
        ("schedule", "campaigns/daily.yaml", "--cron", "0 9 * * *"),
        ("unschedule", "daily"),
    ):
        result = outdial(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "no Temporal runs here; run `outdial up` first, or configure Temporal "
            "(TEMPORAL_ADDRESS)\n"
        )
