"""What is kept of the people of a launch who are not done, as they came."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.db.tables import recipient

_DONE = RecipientState.DONE.value


@dataclass(frozen=True, slots=True)
class KeptPerson:
    position: int
    phone: str
    """The number to call next."""
    alternate_phones: tuple[str, ...]
    zones: str | None
    consent: str | None
    variables: dict[str, str]
    """Own values, and what templates made of them."""


def read_open_people(
    s: Session, record: CampaignRecord, after: int, limit: int
) -> tuple[list[KeptPerson], int | None]:
    """Those of the present launch's next recipients, behind a position, that are not done; with the
    last position that was read, None when there are no more."""
    query = (
        select(
            recipient.c.position,
            recipient.c.state,
            recipient.c.phone,
            recipient.c.alternate_phones,
            recipient.c.zones,
            recipient.c.consent,
            recipient.c.variables,
        )
        .where(
            recipient.c.campaign_id == record.id,
            recipient.c.launch == record.launch,
            recipient.c.position > after,
        )
        .order_by(recipient.c.position)
        .limit(limit)
    )
    rows = s.connection().execute(query).all()
    people = [
        KeptPerson(
            position=row.position,
            phone=row.phone,
            alternate_phones=tuple(row.alternate_phones),
            zones=row.zones,
            consent=row.consent,
            variables=dict(row.variables),
        )
        for row in rows
        if row.state != _DONE
    ]
    return people, rows[-1].position if rows else None
