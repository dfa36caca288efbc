"""What pages show of a campaign, from its record and its kept counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outdial.console.wording import instant, plural, until
from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord, Progress, RecipientState

_DIALED = (CallStatus.COMPLETED, CallStatus.NO_ANSWER, CallStatus.BUSY, CallStatus.FAILED)
"""How calls end that were placed."""
_OPEN_STATES = (
    RecipientState.READY,
    RecipientState.WAITING,
    RecipientState.CALLING,
    RecipientState.SETTLING,
)


@dataclass(frozen=True)
class CampaignFigures:
    """A campaign at a glance."""

    record: CampaignRecord
    progress: Progress

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def state(self) -> CampaignState:
        return self.record.state

    @property
    def workflow_id(self) -> str:
        return campaign_workflow_id(self.record.tenant, self.record.name)

    @property
    def done(self) -> int:
        return self.progress.by_state.get(RecipientState.DONE, 0)

    @property
    def ended_calls(self) -> int:
        """Calls that were placed, and are over."""
        return sum(self.progress.calls.get(status, 0) for status in _DIALED)

    @property
    def answered(self) -> float | None:
        """The share of the ended calls that was answered, by people and machines."""
        if not self.ended_calls:
            return None
        return self.progress.calls.get(CallStatus.COMPLETED, 0) / self.ended_calls

    @property
    def open_people(self) -> list[tuple[RecipientState, int]]:
        """Recipients that are not done, by state."""
        counts = self.progress.by_state
        return [(state, counts[state]) for state in _OPEN_STATES if counts.get(state)]

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """Recipients that are done, by outcome; the most frequent first."""
        return sorted(self.progress.by_outcome.items(), key=lambda each: (-each[1], each[0]))

    @property
    def statuses(self) -> list[tuple[CallStatus, int]]:
        """Calls by status, those in flight first."""
        counts = self.progress.calls
        return [(status, counts[status]) for status in CallStatus if counts.get(status)]

    def cost(self) -> str:
        """What calls have cost of the budget; nothing without one."""
        budget = self.progress.budget
        if budget is None:
            return ""
        return f"{budget.spent}" + ("" if budget.most is None else f" of {budget.most}")

    def next(self, now: datetime) -> str:
        """What happens next, and why not earlier; nothing while calls are placed."""
        progress, state = self.progress, self.state
        if state.over:
            return ""
        if state is CampaignState.PAUSED:
            return f"paused: {progress.reason}" if progress.reason else "paused"
        settling = progress.by_state.get(RecipientState.SETTLING, 0)
        if settling and not progress.in_flight:
            return f"waits for the outcome of {plural(settling, 'call')}"
        if state is CampaignState.STOPPING:
            return f"waits for {plural(progress.in_flight, 'call')} to end"
        if progress.wake_at is not None and progress.wake_at > now and progress.reason:
            if progress.next_call_at is not None:
                return progress.reason  # which names that time
            return f"{progress.reason}, {until(progress.wake_at, now)}"
        return "" if progress.in_flight else progress.reason or ""

    def ended(self) -> str:
        """When it ended; nothing before."""
        end = self.progress.finished_at
        return "" if end is None or not self.state.over else f"ended {instant(end)}"
