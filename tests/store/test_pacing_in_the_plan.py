"""What campaigns were launched with is kept when their pacing moves into the plan."""

from __future__ import annotations

from functools import partial

import pytest
from alembic import command
from sqlalchemy import text

from outdial.store.campaign import campaigns
from outdial.store.db import migrate
from tests.builders import House
from tests.databases import migrated

pytestmark = pytest.mark.both_databases


def test_pacing_moves_into_the_plan(new_url: str) -> None:
    with migrated(new_url) as database:
        house = House(database)
        house.line()
        paced = house.launch(2, "paced", pacing={"max_concurrent": 7, "per_minute": 60})
        plain = house.launch(2, "plain", purpose="telemarketing")
        direct = house.write(
            lambda s: campaigns.ensure_direct_campaign(s, "default", now=house.now)
        )
        with database._write_engine.begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0020")
        columns = "name, purpose, line, max_concurrent, per_minute"
        earlier = house.write(
            lambda s: s.connection().execute(text(f"SELECT {columns} FROM campaign")).all()
        )
        assert sorted(map(tuple, earlier)) == [
            ("direct", "informational", "simulated", 1000, None),
            ("paced", "informational", "simulated", 7, 60),
            ("plain", "telemarketing", "simulated", 10, None),
        ]
        database.migrate()
        for record in (paced, plain, direct):
            read = partial(campaigns.require_campaign, campaign_id=record.id)
            assert house.write(read) == record
        assert len(house.claim(paced).calls) == 2
