"""What was stored before `recording: false` meant "must not" says nothing of recordings."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from alembic import command
from sqlalchemy import TextClause, text
from sqlmodel import Session

from outdial.store.db import migrate
from tests.builders import House
from tests.databases import migrated

pytestmark = pytest.mark.both_databases

STORED = (("campaign", "plan"), ("campaign_revision", "definition"), ("recipient", "plan"))


def test_the_former_default_is_no_wish(new_url: str) -> None:
    with migrated(new_url) as database:
        house = House(database)
        house.line()
        for name, said in (("off", False), ("on", True), ("unsaid", None)):
            record = house.launch(1203 if name == "off" else 2, name, recording=said)
            plan = record.plan.model_dump_json()
            own = text("UPDATE recipient SET plan = :plan WHERE campaign_id = :id")
            house.write(partial(_run, own, {"plan": plan, "id": record.id}))
        before = {place: stored(house, *place) for place in STORED}
        with database._write_engine.begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0017")
        database.migrate()
        for place in STORED:
            after = stored(house, *place)
            assert [one["recording"] for one in after] == [
                one["recording"] or None for one in before[place]
            ]
            rest = [[_but_recording(one) for one in some] for some in (before[place], after)]
            assert rest[0] == rest[1]
            assert {one["recording"] for one in before[place]} == {False, True, None}
        assert house.claim(record).calls


def _but_recording(one: dict[str, Any]) -> dict[str, Any]:
    """A pacing that was moved by a migration has no weight, which is 1 then."""
    pacing = {"weight": 1, **one["pacing"]} if one.get("pacing") else None
    return {**one, "recording": 0, "pacing": pacing}


def _run(statement: TextClause, values: dict[str, Any], s: Session) -> None:
    s.connection().execute(statement, values)


def stored(house: House, table: str, column: str) -> list[dict[str, Any]]:
    key = "campaign_id, revision" if table == "campaign_revision" else "id"
    found = house.write(
        lambda s: s.connection().execute(text(f"SELECT {column} FROM {table} ORDER BY {key}")).all()
    )
    return [json.loads(row[0]) for row in found]
