"""Staging: a launch, or an addition to one, is written in short transactions under a launch number
that nothing reads, and becomes visible, or is removed, as a whole."""

from __future__ import annotations

from sqlalchemy import RowMapping, select
from sqlmodel import Session

from outdial.domain.record import StagingRecord
from outdial.store.db.tables import staging

_FIELDS = tuple(StagingRecord.model_fields)


def find_staging(s: Session, tenant: str, public_id: str) -> StagingRecord | None:
    """A launch or an addition by its public id: how far it is, or how it ended."""
    query = select(staging).where(staging.c.public_id == public_id, staging.c.tenant == tenant)
    row = s.connection().execute(query).mappings().first()
    return None if row is None else staging_record(row)


def staging_record(row: RowMapping) -> StagingRecord:
    return StagingRecord.model_validate({name: row[name] for name in _FIELDS})
