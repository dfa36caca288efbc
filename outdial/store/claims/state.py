"""Claim state: the row that carries values from one claim of a campaign to the next.

Every transaction locks it before the campaign itself.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import RowMapping, Update, bindparam, select, update
from sqlmodel import Session

from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import UnknownCampaign
from outdial.store.db.tables import claim_state

_LOCK = lock_rows(
    select(claim_state).where(claim_state.c.campaign_id == bindparam("campaign_id")),
    exclusive=[claim_state],
)


def lock_claim_state(s: Session, campaign_id: int) -> RowMapping:
    """Keep claims of a campaign out until the transaction ends. Raises UnknownCampaign."""
    row = s.connection().execute(_LOCK, {"campaign_id": campaign_id}).mappings().first()
    if row is None:
        raise UnknownCampaign(campaign_id)
    return row


def save_claim_state(s: Session, campaign_id: int, **values: Any) -> None:
    s.connection().execute(_update_statement(tuple(values)), values | {"of_campaign": campaign_id})


@cache
def _update_statement(names: tuple[str, ...]) -> Update:
    """Cached: building the statement takes longer than running it."""
    return (
        update(claim_state)
        .where(claim_state.c.campaign_id == bindparam("of_campaign"))
        .values({name: bindparam(name) for name in names})
    )
