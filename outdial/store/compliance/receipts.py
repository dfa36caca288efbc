"""Receipts of a campaign's dials, as a chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, insert, literal, select, text, tuple_
from sqlmodel import Session

from outdial.domain.decision.receipt import Receipt, number_digest
from outdial.domain.hash_links import FIRST, body_of, link
from outdial.store.db.bulk import among
from outdial.store.db.dialect import on_postgresql
from outdial.store.db.tables import call, receipt

_PAGE = 1000
_CLASS = 26466
"""Keeps locks of chains apart from those of gates (`store.campaign.gate`)."""
_LOCK = text(f"SELECT pg_advisory_xact_lock({_CLASS}, CAST(:of_campaign % 2147483647 AS int))")
_LAST = (
    select(receipt.c.sequence, receipt.c.hash)
    .where(receipt.c.campaign_id == bindparam("of_campaign"))
    .order_by(receipt.c.sequence.desc())
    .limit(1)
)


def write_receipt(
    s: Session, campaign_id: int, call_id: str, to: str, decision: dict[str, Any], *, now: datetime
) -> None:
    """Add a dial's receipt to its campaign's chain, in the transaction that lets it pass.

    Receipts of a campaign queue up until that transaction ends, so this comes last in it, but for
    what is done at the commit (`store.db.ending`): what holds the chain must wait for nothing that
    a transaction holds which waits for the chain.
    """
    if on_postgresql(s):
        s.connection().execute(_LOCK, {"of_campaign": campaign_id})
    last = s.connection().execute(_LAST, {"of_campaign": campaign_id}).first()
    sequence, previous = (1, FIRST) if last is None else (last.sequence + 1, last.hash)
    body = body_of(
        {"call_id": call_id, "number": number_digest(call_id, to), "at": now.isoformat()} | decision
    )
    s.connection().execute(
        insert(receipt),
        {
            "campaign_id": campaign_id,
            "sequence": sequence,
            "call_id": call_id,
            "at": now,
            "body": body,
            "hash": link(previous, sequence, body),
        },
    )


def read_receipts(s: Session, campaign_id: int) -> Iterator[Receipt]:
    """The chain from its beginning, a page at a time."""
    after, place = 0, tuple_(receipt.c.campaign_id, receipt.c.sequence)
    while True:
        query = (
            select(receipt)
            # Compared as pairs: by the campaign alone PostgreSQL may read and sort its whole chain.
            .where(
                place > tuple_(literal(campaign_id), after),
                place < tuple_(literal(campaign_id + 1), 0),
            )
            .order_by(receipt.c.campaign_id, receipt.c.sequence)
            .limit(_PAGE)
        )
        rows = s.connection().execute(query).all()
        for row in rows:
            yield Receipt(row.sequence, row.call_id, row.at, row.body, row.hash)
        if len(rows) < _PAGE:
            return
        after = rows[-1].sequence


def receipts_of(s: Session, call_ids: Sequence[str]) -> dict[str, Receipt]:
    """The receipts of those of some calls that were dialed, by the calls' ids."""
    query = select(receipt).where(among(receipt.c.call_id, "ids"))
    return {
        row.call_id: Receipt(row.sequence, row.call_id, row.at, row.body, row.hash)
        for row in s.connection().execute(query, {"ids": list(call_ids)})
    }


def hash_of(s: Session, campaign_id: int, sequence: int) -> str | None:
    """The hash of one receipt of a campaign; None when it is gone."""
    query = select(receipt.c.hash).where(
        receipt.c.campaign_id == campaign_id, receipt.c.sequence == sequence
    )
    digest: str | None = s.connection().execute(query).scalar_one_or_none()
    return digest


def last_receipt(s: Session, campaign_id: int) -> str | None:
    """Number and hash of a campaign's last receipt, `12:ab34…`; None before the first."""
    last = s.connection().execute(_LAST, {"of_campaign": campaign_id}).first()
    return None if last is None else f"{last.sequence}:{last.hash}"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A call that its receipt does not bear out."""

    call_id: str
    problem: str


def unlike_their_calls(s: Session, campaign_id: int, limit: int = 100) -> list[Mismatch]:
    """Calls that were let through and have no receipt, and receipts whose call is gone or has
    another number by now."""
    let_through = (
        select(call.c.id)
        .where(
            call.c.campaign_id == campaign_id,
            call.c.fenced_at.is_not(None),
            ~exists().where(receipt.c.call_id == call.c.id),
        )
        .limit(limit)
    )
    mismatches = [
        Mismatch(call_id, "it was dialed and has no receipt")
        for call_id in s.connection().execute(let_through).scalars()
    ]
    gone = (
        select(receipt.c.call_id)
        .where(
            receipt.c.campaign_id == campaign_id, ~exists().where(call.c.id == receipt.c.call_id)
        )
        .limit(limit)
    )
    mismatches += [
        Mismatch(call_id, "its receipt is there, the call is not")
        for call_id in s.connection().execute(gone).scalars()
    ]
    return mismatches + _other_numbers(s, campaign_id, limit)


def _other_numbers(s: Session, campaign_id: int, limit: int) -> list[Mismatch]:
    query = (
        select(call.c.id, call.c.phone, receipt.c.body)
        .join_from(receipt, call, call.c.id == receipt.c.call_id)
        .where(receipt.c.campaign_id == campaign_id)
    )
    changed = []
    with s.connection().execute(query, execution_options={"yield_per": _PAGE}) as rows:
        for row in rows:
            if number_digest(row.id, row.phone) not in row.body:
                changed.append(Mismatch(row.id, "its number is not the one that was dialed"))
            if len(changed) >= limit:
                break
    return changed
