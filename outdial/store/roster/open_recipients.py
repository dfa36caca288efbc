"""Recipients of a launch that wait to be called, page by page, with what a decision about them is
made from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session

from outdial.domain.decision.decision import Ledger
from outdial.domain.record import CampaignRecord
from outdial.store.claims.candidates import CALLABLE, NOT_CALLED, Recipient, recipient_of
from outdial.store.claims.ledger import LedgerQuery, read_ledgers
from outdial.store.db.tables import recipient

PAGE = 1000
_BEHIND = (
    CALLABLE.add_columns(recipient.c.position, recipient.c.state)
    .where(recipient.c.position > bindparam("after"))
    .order_by(recipient.c.position)
)
WaitingRecipient = tuple[Recipient, Ledger]


def read_waiting(
    s: Session, campaign: CampaignRecord, after: int, now: datetime, size: int = PAGE
) -> tuple[list[WaitingRecipient], int | None]:
    """Those of the present launch's next recipients, behind a position, that wait or are ready,
    each with all earlier calls; with the last position that was read, None when there are no
    more."""
    values = {
        "tenant": campaign.tenant,
        "campaign_id": campaign.id,
        "launch": campaign.launch,
        "size": size,
        "after": after,
    }
    rows = s.connection().execute(_BEHIND, values).mappings().all()
    waiting = [recipient_of(row, campaign) for row in rows if row["state"] in NOT_CALLED]
    queries = [LedgerQuery(each.phone, each.others, None, each.lines) for each in waiting]
    ledgers = read_ledgers(s, campaign.tenant, queries, now)
    return list(zip(waiting, ledgers, strict=True)), rows[-1]["position"] if rows else None
