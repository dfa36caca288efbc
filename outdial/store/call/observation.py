"""What canaries are judged by: how the first call to each recipient of their arms ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.call.status import NOBODY_REACHED, OPTED_OUT, CallStatus, FailureClass
from outdial.domain.money.amount import MILLION
from outdial.store.call.locked_call import LockedCall
from outdial.store.campaign.canaries import add_observations


def observe_calls(s: Session, locked_calls: Iterable[LockedCall], now: datetime) -> None:
    """Store how calls ended that this transaction settles, but for those that were withdrawn."""
    rows = [_row(locked, now) for locked in locked_calls if _is_observed(locked)]
    add_observations(s, rows)


def _is_observed(locked: LockedCall) -> bool:
    withdrawn = locked.status is CallStatus.CANCELED
    return locked.canary_id is not None and locked.settled_now and not withdrawn


def _cost(locked: LockedCall) -> float | None:
    """As the budget counts it, if the campaign has one, else as the provider reported it."""
    if locked.hold is not None and locked.hold.cost is not None:
        return locked.hold.cost / MILLION
    return locked.call.cost


def _row(locked: LockedCall, now: datetime) -> dict[str, Any]:
    values = locked.call
    in_person = values.answered_by not in NOBODY_REACHED
    return {
        "canary_id": locked.canary_id,
        "recipient_id": values.recipient_id,
        "call_id": values.id,
        "arm": locked.arm,
        "answered": locked.status is CallStatus.COMPLETED and in_person,
        "opted_out": (values.disposition == OPTED_OUT and in_person)
        or values.failure is FailureClass.REFUSED,
        "failed": locked.status is CallStatus.FAILED,
        "cost": _cost(locked),
        "observed_at": now,
    }
