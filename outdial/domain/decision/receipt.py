"""A receipt for every dial: what was decided and why, hashed with the receipt before it.

The hash of a campaign's last receipt, kept elsewhere, shows any later change or removal. A receipt
names the number by a digest, so that erasing the number elsewhere leaves the chain as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from outdial.domain.hash_links import Fault, check_links


@dataclass(frozen=True, slots=True)
class Receipt:
    """One link; `body` is the text that was hashed."""

    sequence: int
    call_id: str
    at: datetime
    body: str
    hash: str


def number_digest(call_id: str, e164: str) -> str:
    """Digest of a number, salted with the call's id; only somebody who has the number can check
    it."""
    return hashlib.sha256(f"{call_id}/{e164}".encode()).hexdigest()


def check_chain(receipts: Iterable[Receipt]) -> tuple[str, int, list[Fault]]:
    """The hash and number of the last receipt, and everything that is wrong with them."""
    return check_links(receipts, "receipt", "receipts", _other_call)


def _other_call(receipt: Receipt) -> str | None:
    named = json.loads(receipt.body).get("call_id")
    return None if named == receipt.call_id else "it names another call"
