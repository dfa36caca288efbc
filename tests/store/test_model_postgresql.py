"""Random histories of the store, with kills and clocks that differ, on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from tests.databases import postgresql_database
from tests.store.histories import run_histories


@pytest.mark.faults
def test_random_histories(postgresql: URL, capsys: pytest.CaptureFixture[str]) -> None:
    with postgresql_database(postgresql) as url:
        run_histories(url, capsys)
