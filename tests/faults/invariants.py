"""What must hold after a campaign, whatever died meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import OUTCOME_UNKNOWN
from outdial.domain.record import CallRecord, Progress, RecipientRecord, RecipientState


@dataclass(frozen=True)
class Aftermath:
    """A campaign as our records have it, and as the telephone network saw it."""

    progress: Progress
    recipients: Sequence[RecipientRecord]
    calls: Sequence[CallRecord]
    attempted: frozenset[str]
    """Ids of its calls that count as attempts."""
    every_call_id: frozenset[str]
    """Of all campaigns."""
    leases: int
    stats: dict[str, Any]
    creates: dict[str, int]
    """By our call id, how many calls the network made for it."""
    made: Sequence[dict[str, Any]]
    """This campaign's calls at the network."""
    holds: Sequence[dict[str, Any]] = ()
    """What was reserved for its calls, if it has a budget."""

    def summary(self) -> str:
        """For the log."""
        shown = self.progress
        seconds = ((shown.finished_at or shown.launched_at) - shown.launched_at).total_seconds()
        return (
            f"{shown.campaign}: {shown.state} after {seconds:.0f} s, "
            f"{shown.recipients} recipients {shown.by_outcome}, "
            f"{len(self.calls)} calls {shown.calls}, {shown.attempts} attempts, "
            f"peak {self.peak()}"
        )

    def peak(self) -> int:
        """The most calls of this campaign that were open at once, by the network's clock."""
        instant = datetime.fromisoformat
        changes = [(instant(call["created_at"]), +1) for call in self.made]
        changes += [(instant(call["ended_at"]), -1) for call in self.made if call["ended_at"]]
        return max(accumulate(step for _, step in sorted(changes)), default=0)

    def finals(self) -> dict[str, tuple[str | None, int]]:
        """Outcome and attempts by number."""
        return {row.phone: (row.outcome, row.attempts) for row in self.recipients}


def assert_nothing_broken(
    aftermath: Aftermath,
    *,
    recipients: int,
    max_concurrent: int,
    state: CampaignState = CampaignState.FINISHED,
) -> None:
    """Every recipient ended, no call was made twice, no slot leaked, the figures add up."""
    problems = list(broken(aftermath, recipients, max_concurrent, state))
    assert not problems, "\n".join(problems)


def broken(
    aftermath: Aftermath, recipients: int, max_concurrent: int, state: CampaignState
) -> Iterator[str]:
    """Each invariant that does not hold, in words."""
    if aftermath.progress.state is not state:
        yield f"the campaign is {aftermath.progress.state}, not {state}"
    yield from _everybody_ended(aftermath, recipients)
    yield from _figures_add_up(aftermath, recipients)
    yield from _nothing_held(aftermath)
    yield from _nobody_called_twice(aftermath, max_concurrent)
    yield from _records_agree_with_network(aftermath)
    yield from _budget_kept(aftermath)


def _everybody_ended(aftermath: Aftermath, recipients: int) -> Iterator[str]:
    if len(aftermath.recipients) != recipients:
        yield f"{len(aftermath.recipients)} recipients, not {recipients}"
    for row in aftermath.recipients:
        if row.state is not RecipientState.DONE or row.outcome is None or not row.reason:
            yield f"recipient {row.id} is {row.state}, outcome {row.outcome}: {row.reason}"
    for call in aftermath.calls:
        if not call.status.terminal or call.settled_at is None or call.outcome is None:
            yield f"call {call.id} is {call.status}, outcome {call.outcome}, not settled"


def _figures_add_up(aftermath: Aftermath, recipients: int) -> Iterator[str]:
    shown = aftermath.progress
    rows = Counter(row.recipient_id for row in aftermath.calls)
    attempts = Counter(row.recipient_id for row in aftermath.calls if row.id in aftermath.attempted)
    totals = {
        "recipients": (shown.recipients, recipients),
        "recipients by outcome": (sum(shown.by_outcome.values()), recipients),
        "recipients by state": (sum(shown.by_state.values()), recipients),
        "calls": (sum(shown.calls.values()), len(aftermath.calls)),
        "attempts": (shown.attempts, len(aftermath.attempted)),
    }
    for name, (reported, counted) in totals.items():
        if reported != counted:
            yield f"{name}: {reported} shown, {counted} counted"
    for row in aftermath.recipients:
        if row.calls != rows[row.id] or row.attempts != attempts[row.id]:
            yield (
                f"recipient {row.id}: {row.calls} calls and {row.attempts} attempts noted, "
                f"{rows[row.id]} and {attempts[row.id]} made"
            )


def _nothing_held(aftermath: Aftermath) -> Iterator[str]:
    if aftermath.leases or aftermath.progress.in_flight:
        yield f"{aftermath.leases} leases are left"
    if still_open := sum(call["ended_at"] is None for call in aftermath.made):
        yield f"{still_open} calls are open at the network"


def _budget_kept(aftermath: Aftermath) -> Iterator[str]:
    """Every hold is settled, to no more than was reserved, and the sum is within the budget."""
    budget = aftermath.progress.budget
    if budget is None:
        return
    held = {hold["call_id"] for hold in aftermath.holds}
    for row in aftermath.calls:
        if row.id not in held:
            yield f"nothing was reserved for call {row.id}"
    for hold in aftermath.holds:
        if hold["cost"] is None or not 0 <= hold["cost"] <= hold["highest"]:
            yield f"call {hold['call_id']} costs {hold['cost']}, and {hold['highest']} was reserved"
    spent = sum(hold["cost"] or 0 for hold in aftermath.holds)
    if (budget.spent.amount, budget.reserved.amount) != (spent, 0):
        yield f"{budget.spent} spent and {budget.reserved} reserved, and calls cost {spent}"
    if budget.most is not None and spent > budget.most.amount + budget.raised.amount:
        yield f"{budget.spent} of {budget.most} spent, {budget.raised} of it by later prices"


def _nobody_called_twice(aftermath: Aftermath, max_concurrent: int) -> Iterator[str]:
    for call_id, times in aftermath.creates.items():
        if times != 1:
            yield f"call {call_id} was made {times} times"
        if call_id not in aftermath.every_call_id:
            yield f"the network made call {call_id}, of which no record is left"
    if aftermath.stats["peak_open_per_number"] > 1:
        yield f"{aftermath.stats['peak_open_per_number']} calls to one number at the same time"
    if aftermath.peak() > max_concurrent:
        yield f"{aftermath.peak()} calls open at once, and {max_concurrent} are allowed"


def _records_agree_with_network(aftermath: Aftermath) -> Iterator[str]:
    made = {call["call_id"]: call for call in aftermath.made}
    for row in aftermath.calls:
        call = made.get(row.id)
        if call is None:
            if row.id in aftermath.attempted and row.outcome != OUTCOME_UNKNOWN:
                yield f"call {row.id} counts as an attempt, and the network never saw it"
        elif row.id not in aftermath.attempted:
            yield f"call {row.id} was made, and does not count as an attempt"
        elif row.outcome not in (call["result"], OUTCOME_UNKNOWN):
            yield f"call {row.id} is {row.outcome}, and {call['result']} at the network"
