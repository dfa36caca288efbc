"""New random campaigns, rehearsed and carried out by the store on SQLite."""

from __future__ import annotations

import pytest

from tests.databases import sqlite_database
from tests.rehearsal.agreement import compare_many


@pytest.mark.faults
def test_new_campaigns(capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite_database() as url:
        compare_many(url, capsys)
