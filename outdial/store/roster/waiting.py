"""What a campaign waits for: its own limits, its lines, and what those who wait are waiting for.

Reads a bounded number of recipients, those who are due first, and decides about each as a claim
would; nothing is changed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlmodel import Session

from outdial.domain.decision.decision import Dial, Wait
from outdial.domain.decision.next_number import decide_person
from outdial.domain.decision.reasons import Reason
from outdial.domain.line.capacity import Allowance
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.budget.claiming import read_budget
from outdial.store.claims.candidates import Recipient, find_recipients, read_ledgers
from outdial.store.claims.limits import campaign_allowance, line_capacity
from outdial.store.claims.next_call import due_first
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.tables import recipient

MOST_DECIDED = 500
"""Recipients of each turn that are decided about."""
CALLABLE_NOW = Reason("callable", "may be called now")
_NEVER = datetime.max.replace(tzinfo=UTC)
_FIRST = due_first((recipient.c.state == RecipientState.WAITING.value,))


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """Recipients that wait for the same kind of reason."""

    reason: Reason
    """The one of the recipient that can be called first."""
    people: int
    next_call_at: datetime | None
    """None: they can never be called."""
    zone: str
    """Of that recipient."""


@dataclass(frozen=True, slots=True)
class WaitingSummary:
    """What keeps a campaign from placing calls."""

    limits: tuple[str, ...]
    """Of its own pacing and budget, and of its lines, as far as they admit no call now."""
    groups: tuple[WaitingGroup, ...]
    """The largest first."""
    decided: int
    """How many recipients they were counted from."""


def read_waiting(
    s: Session, campaign: CampaignRecord, in_flight: int, now: datetime
) -> WaitingSummary:
    """What a campaign waits for with so many calls in flight."""
    due = find_recipients(s, campaign, _FIRST, 2 * MOST_DECIDED, few=MOST_DECIDED)
    return WaitingSummary(
        _limits(s, campaign, in_flight, now), _groups(s, campaign, due, now), len(due)
    )


def _limits(s: Session, campaign: CampaignRecord, in_flight: int, now: datetime) -> tuple[str, ...]:
    own = campaign_allowance(s, campaign, in_flight, now)
    budget = read_budget(s, campaign, now)
    allowances = [own, *_full_lines(s, campaign, now)]
    if budget is not None:
        allowances.insert(0, budget.narrow(replace(own, free=max(own.free, 1))))
    return tuple(dict.fromkeys(each.reason for each in allowances if each.free <= 0))


def _full_lines(s: Session, campaign: CampaignRecord, now: datetime) -> list[Allowance]:
    """The lines that take no call, where none of the campaign's does."""
    capacity = line_capacity(s, campaign, (), 1, now, lock=False)
    return [] if capacity.any_free(capacity.routes) else capacity.full()


def _groups(
    s: Session, campaign: CampaignRecord, due: list[Recipient], now: datetime
) -> tuple[WaitingGroup, ...]:
    rulebook = read_rulebook(s, campaign.tenant, now)
    ledgers = read_ledgers(s, campaign, due, rulebook, now)
    by_code: dict[str, list[WaitingGroup]] = defaultdict(list)
    for each in due:
        person, others, plan, ledger = each.candidate, each.others, each.plan, ledgers[each.id]
        decision = decide_person(person, others, plan, ledger, now, rulebook, evidence=False)
        reason = CALLABLE_NOW if isinstance(decision, Dial) else decision.reason
        at = now if isinstance(decision, Dial) else None
        at = decision.until if isinstance(decision, Wait) else at
        zone = each.zones.candidates[0] if each.zones.candidates else "UTC"
        by_code[reason.code].append(WaitingGroup(reason, 1, at, zone))
    groups = [replace(min(some, key=_by_next_call), people=len(some)) for some in by_code.values()]
    return tuple(sorted(groups, key=lambda group: -group.people))


def _by_next_call(one: WaitingGroup) -> datetime:
    """Those who can never be called come last."""
    return one.next_call_at or _NEVER
