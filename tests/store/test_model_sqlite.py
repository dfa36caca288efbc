"""Random histories of the store, with kills and clocks that differ, on SQLite."""

from __future__ import annotations

import pytest

from tests.databases import sqlite_database
from tests.store.histories import run_histories


@pytest.mark.faults
def test_random_histories(capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite_database() as url:
        run_histories(url, capsys)
