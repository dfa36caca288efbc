"""What a call has cost: by its provider's report, or computed from the prices of its line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.money.amount import MILLION
from outdial.domain.money.price import LinePrice


class CostSource(StrEnum):
    """Where the cost of a call comes from."""

    PROVIDER = "provider"
    """Its provider has reported a price."""
    COMPUTED = "computed"
    """No price was reported: it was computed from the duration and the line's prices."""
    HIGHEST = "highest"
    """Nobody knows how long it lasted: the most that it can cost."""
    NOT_DIALED = "not_dialed"
    """Nothing was dialed."""


@dataclass(frozen=True, slots=True)
class CallCost:
    """What a settled call counts for in its campaign's budget."""

    amount: int
    """Millionths; never more than was reserved for the call."""
    source: CostSource
    excess: int = 0
    """What it costs beyond that, by what its provider has reported."""


@dataclass(frozen=True, slots=True)
class BilledCall:
    """What the cost of a call depends on."""

    dialed: bool
    """It may have rung."""
    status: CallStatus
    failure: FailureClass | None = None
    reported: float | None = None
    """The provider's price, in units of the line's currency."""
    seconds: float | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    rings_again: bool = False
    """Reports say that it is under way, though its end was recorded."""


def cost_of(call: BilledCall, price: LinePrice, highest: int) -> CallCost:
    """The cost of a call for which `highest` was reserved. What its provider reports is a claim:
    what exceeds the most that the call can cost is noted, and not counted."""
    if call.reported is not None:
        return _within(highest, millionths(call.reported), CostSource.PROVIDER)
    if not call.dialed:
        return CallCost(0, CostSource.NOT_DIALED)
    seconds = None if call.rings_again else _seconds(call)
    if seconds is None:
        return CallCost(highest, CostSource.HIGHEST)
    return _within(highest, price.cost(seconds), CostSource.COMPUTED)


def _within(highest: int, amount: int, source: CostSource) -> CallCost:
    return CallCost(min(amount, highest), source, max(0, amount - highest))


def millionths(units: float) -> int:
    """A provider's price, rounded to millionths."""
    scaled = Decimal(str(units)) * MILLION
    return max(0, int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)))


def _seconds(call: BilledCall) -> float | None:
    """How long it was answered; None when nobody knows."""
    if call.seconds is not None:
        return call.seconds
    if call.answered_at is not None and call.ended_at is not None:
        return max(0.0, (call.ended_at - call.answered_at).total_seconds())
    unknown = call.failure is FailureClass.UNKNOWN or call.status is CallStatus.COMPLETED
    return None if unknown else 0.0
