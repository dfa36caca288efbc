"""Random histories of the store, with kills and clocks that differ, on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from tests.databases import postgresql_database
from tests.store.histories import run_histories


@pytest.mark.faults
def test_random_histories(server: URL, capsys: pytest.CaptureFixture[str]) -> None:
    with postgresql_database(server) as url:
        run_histories(url, capsys)
