"""New random campaigns, rehearsed and carried out by the store on PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from tests.databases import postgresql_database
from tests.rehearsal.agreement import compare_many


@pytest.mark.faults
def test_new_campaigns(postgresql: URL, capsys: pytest.CaptureFixture[str]) -> None:
    with postgresql_database(postgresql) as url:
        compare_many(url, capsys)
