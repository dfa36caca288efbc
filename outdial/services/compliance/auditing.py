"""Verifies that a campaign's receipts are complete and unchanged."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from outdial.domain.decision.receipt import check_chain
from outdial.domain.hash_links import Fault
from outdial.resources.resources import Resources
from outdial.services.errors import RequestRefused
from outdial.services.operations.reading import require_campaign
from outdial.store.compliance.receipts import Mismatch, hash_of, read_receipts, unlike_their_calls


@dataclass(frozen=True)
class Audit:
    """`head` names the last receipt: kept elsewhere, it shows a change to any before it."""

    campaign: str
    receipts: int
    head: str
    faults: tuple[Fault, ...]
    mismatches: tuple[Mismatch, ...]

    @property
    def sound(self) -> bool:
        return not (self.faults or self.mismatches)


async def audit(ctx: Resources, name: str, *, kept: str | None = None) -> Audit:
    """Check a campaign's chain of receipts, and that every dial has one.

    `kept` is a head as an earlier audit printed it, `12:ab34…`. Raises NoSuchCampaign,
    RequestRefused for a head that is none.
    """
    record = await require_campaign(ctx, name)
    earlier = None if kept is None else parse_head(kept)

    def work(s: Session) -> Audit:
        last, count, faults = check_chain(read_receipts(s, record.id))
        if earlier is not None:
            faults += _unlike(s, record.id, *earlier)
        mismatches = unlike_their_calls(s, record.id)
        return Audit(name, count, f"{count}:{last}", tuple(faults), tuple(mismatches))

    return await ctx.database.read(work)


def parse_head(text: str) -> tuple[int, str]:
    """Number and hash of a head as it was printed. Raises RequestRefused."""
    sequence, _, digest = text.partition(":")
    if not sequence.isascii() or not sequence.isdigit() or not digest:
        raise RequestRefused(f"found {text!r}; write a head as `outdial audit` prints it, 12:ab34…")
    return int(sequence), digest


def _unlike(s: Session, campaign_id: int, sequence: int, digest: str) -> list[Fault]:
    if sequence == 0:
        return []
    stored = hash_of(s, campaign_id, sequence)
    if stored is None:
        return [Fault(sequence, "the receipt of the kept head is gone")]
    if stored != digest:
        return [Fault(sequence, "it is not the receipt of the kept head")]
    return []
