"""Steps of a launch or an addition that is staged, in one word each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.record import (
    DEFAULT_TENANT,
    CampaignRecord,
    RecipientRecord,
    StagingRecord,
)
from outdial.store.db.tables import campaign as campaign_table
from outdial.store.db.tables import claim_state, progress_count, recipient, roster_chunk
from outdial.store.roster import flip, roster, staging
from outdial.store.roster.rows import ReadSoFar, write_chunk
from tests.builders import LINE, House, definition, draft, located


def begin(house: House, public_id: str = "one", *, again: bool = False) -> StagingRecord:
    return house.write(
        lambda s: staging.begin_launch(
            s, DEFAULT_TENANT, definition(), public_id, now=house.now, again=again
        )
    )


def add(house: House, to: CampaignRecord, public_id: str = "more") -> StagingRecord:
    return house.write(lambda s: staging.begin_addition(s, to.id, public_id, now=house.now))


def write(house: House, of: StagingRecord, count: int, *, first: int = 0, **more: Any) -> None:
    rows = located([draft(i, **more) for i in range(first, first + count)])
    so_far = ReadSoFar(first + count)
    house.write(lambda s: write_chunk(s, of, LINE, rows, so_far, now=house.now))


def flip_to(house: House, of: StagingRecord, count: int, *, again: bool = False) -> CampaignRecord:
    return house.write(
        lambda s: flip.flip_launch(
            s, of, definition(), "source", recipients=count, now=house.now, again=again
        )
    )


def accept(house: House, of: StagingRecord, count: int) -> StagingRecord:
    return house.write(lambda s: flip.accept_addition(s, of, recipients=count, now=house.now))


def refuse(house: House, of: StagingRecord, **how: Any) -> bool:
    return house.write(lambda s: staging.refuse(s, of, now=house.now, **how))


def remove(house: House, of: StagingRecord, limit: int = 1000) -> int:
    """In how many transactions."""
    steps = 1
    while house.write(lambda s: staging.remove_some(s, of, now=house.now, limit=limit)):
        steps += 1
    return steps


def people(house: House, of: CampaignRecord) -> list[RecipientRecord]:
    return house.write(lambda s: roster.list_recipients(s, of.id, launch=of.launch, limit=1000))


def find(house: House, public_id: str = "one") -> StagingRecord:
    record = house.write(lambda s: staging.find_staging(s, DEFAULT_TENANT, public_id))
    assert record is not None
    return record


def counted(house: House) -> dict[str, int]:
    tables = (campaign_table, claim_state, recipient, roster_chunk, progress_count)

    def count(s: Session) -> dict[str, int]:
        return {
            table.name: s.connection().execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        }

    return house.database.read_sync(count)
