"""What was stored as `after_call` and `call_back` is kept as callback runs and `redial`."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlmodel import Session

from outdial.domain.call.status import CallStatus
from outdial.domain.definition.callbacks import CallbackKind
from outdial.store.call import events
from outdial.store.callbacks import runs
from outdial.store.campaign.revisions import definition_at
from outdial.store.db import migrate
from tests.builders import LINE, NOW, House, event
from tests.databases import migrated

pytestmark = pytest.mark.both_databases

CALLBACKS: list[dict[str, Any]] = [
    {"do": "redial", "when": {"disposition": "call_me_later"}},
    {"do": "webhook", "url": "https://example.com/redial?do=call_back"},
]
FORMER = {
    "after_call": "SELECT call_id, state FROM after_call",
    "after_call_step": "SELECT kind, callback FROM after_call_step WHERE position = 0",
    "call": 'SELECT call_back_at FROM "call" WHERE call_back_at IS NOT NULL',
    "campaign": "SELECT plan FROM campaign WHERE plan LIKE '%\"call_back\"%'",
    "recipient": "SELECT plan FROM recipient WHERE plan LIKE '%\"call_back\"%'",
    "campaign_revision": (
        "SELECT definition FROM campaign_revision WHERE definition LIKE '%\"call_back\"%'"
    ),
    "event": "SELECT payload FROM event WHERE payload LIKE '%\"call_back_at\":%'",
}


def test_runs_plans_and_events_are_kept(new_url: str) -> None:
    with migrated(new_url) as database:
        house = House(database)
        house.line()
        campaign = house.launch(2, callbacks=CALLBACKS)
        own = {"plan": campaign.plan.model_dump_json()}
        house.write(
            lambda s: s.connection().execute(text("UPDATE recipient SET plan = :plan"), own)
        )
        call_id = house.claim_one(campaign).call_id
        house.place(call_id)
        told = event("a", call_id=call_id, disposition="call_me_later", redial_at=NOW)
        house.write(lambda s: events.store_events(s, LINE, [told], now=house.now))
        house.end(call_id, CallStatus.COMPLETED)
        before = _everything(house, campaign.id, call_id)
        assert before[0].entries[0].kind == CallbackKind.REDIAL
        with database._write_engine.begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0019")
        for table, query in FORMER.items():
            assert house.write(lambda s, q=query: s.connection().execute(text(q)).all()), table  # type: ignore[misc]
        database.migrate()
        assert _everything(house, campaign.id, call_id) == before
        assert house.claim(campaign).calls


def _everything(house: House, campaign_id: int, call_id: str) -> list[Any]:
    def read(s: Session) -> list[Any]:
        rows = s.connection().execute(text("SELECT plan FROM recipient ORDER BY id")).all()
        return [
            runs.get_callback_run(s, call_id),
            definition_at(s, campaign_id, 1),
            [row.plan for row in rows],
            s.connection().execute(text('SELECT redial_at FROM "call"')).scalars().all(),
            s.connection().execute(text("SELECT payload FROM event ORDER BY id")).scalars().all(),
        ]

    return house.write(read)
