"""Lines that campaigns share: what a claim's campaign still wants of them is stored, and what it
leaves is offered to the others that wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from outdial.domain.call.batches import SLACK
from outdial.domain.line.capacity import LineCapacity
from outdial.domain.record import CampaignRecord
from outdial.store.claims.demand import Waiting, lines_waited_for, offer, save_demand
from outdial.store.claims.limits import line_allowances
from outdial.store.claims.ready import ready_left
from outdial.store.claims.state import save_claim_state


def share_lines(
    s: Session,
    record: CampaignRecord,
    capacity: LineCapacity,
    left: int,
    now: datetime,
    *,
    stored: bool,
) -> list[str]:
    """After a claim's calls were reserved; `left` is how many more the campaign itself could start.
    `stored`: its demand was stored by an earlier claim. Returns the workflows to be woken."""
    offered = list[str]()
    for name, allowance in capacity.allowances.items():
        if allowance.contention is not None:
            others = allowance.contention.left_for_others(capacity.taken(name))
            offered += offer(s, name, others, now)
    waits: list[Waiting] = []
    for group in capacity.routes if left > 0 else ():
        names = capacity.waited_for(group)
        still = ready_left(s, record, group, min(left, SLACK), now) if names else None
        if still is None:
            continue
        # Where enough are ready no more are decided about, though there may be many.
        more = left if still.count >= SLACK else still.count
        waits += [
            Waiting(name, capacity.held(name) + more, capacity.taken(name) > 0, still.closes_at)
            for name in names
        ]
    _save(s, record, waits, now, stored)
    return offered


def leave_lines(s: Session, record: CampaignRecord, now: datetime, *, stored: bool) -> list[str]:
    """For a campaign that starts no calls now: offer what its calls have freed to those that wait.
    Returns the workflows to be woken."""
    offered = list[str]()
    names = lines_waited_for(s, record, now)
    for name, allowance in line_allowances(s, record, names, 0, now).items():
        if allowance.contention is not None:
            offered += offer(s, name, allowance.contention.left_for_others(0), now)
    _save(s, record, (), now, stored)
    return offered


def _save(
    s: Session, record: CampaignRecord, waits: Sequence[Waiting], now: datetime, stored: bool
) -> None:
    save_demand(s, record, waits, now, stored=stored)
    if bool(waits) != stored:
        save_claim_state(s, record.id, waits_for_lines=bool(waits))
