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
from typing import Any

FIRST = "0" * 64
"""What the first receipt of a campaign is hashed with."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One link; `body` is the text that was hashed."""

    sequence: int
    call_id: str
    at: datetime
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A receipt at which the chain is broken."""

    sequence: int
    problem: str


def body_of(values: dict[str, Any]) -> str:
    """The canonical JSON of a receipt's values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def number_digest(call_id: str, e164: str) -> str:
    """Digest of a number, salted with the call's id; only somebody who has the number can check
    it."""
    return hashlib.sha256(f"{call_id}/{e164}".encode()).hexdigest()


def link(previous: str, sequence: int, body: str) -> str:
    """The hash of a receipt."""
    return hashlib.sha256(f"{previous}\n{sequence}\n{body}".encode()).hexdigest()


def check_chain(receipts: Iterable[Receipt]) -> tuple[str, int, list[Fault]]:
    """The hash and number of the last receipt, and everything that is wrong with them."""
    previous, expected, faults = FIRST, 1, []
    for receipt in receipts:
        sequence = receipt.sequence
        if sequence != expected:
            faults.append(Fault(expected, f"receipts {expected} to {sequence - 1} are gone"))
        if link(previous, sequence, receipt.body) != receipt.hash:
            faults.append(Fault(sequence, "its content or the receipt before it was changed"))
        if json.loads(receipt.body).get("call_id") != receipt.call_id:
            faults.append(Fault(sequence, "it names another call"))
        previous, expected = receipt.hash, sequence + 1
    return previous, expected - 1, faults
