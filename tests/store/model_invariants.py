"""What must hold after each step of the model: read from the database and from the telephones."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.decision.ceiling import WITHIN
from outdial.domain.record import RecipientState
from outdial.store.db.tables import call, campaign, lease, recipient
from tests.databases import InThread
from tests.store.counting import kept_counts, key_of_call, key_of_recipient

MOST_ON_LINE = 3
OF_CAMPAIGN = 2
COUNTED = "two"
"""The line whose calls count for the daily ceiling; the other's network is simulated."""
MOST_A_DAY = 2
LINES = (["one"], ["two"], ["one", "two"], [{"name": "two"}, {"name": "one", "weight": 0}])
RETRY: dict[str, Any] = {
    "max_attempts": 3,
    "no_answer": {"delays": ["5m"]},
    "busy": {"delays": ["1m"]},
    "failed": {"delays": ["5m"]},
    "unknown": {"delays": ["1h"]},
}
REFUSALS = (
    FailureClass.REJECTED,
    FailureClass.THROTTLED,
    FailureClass.MISCONFIGURED,
    FailureClass.UNAVAILABLE,
)
_SNAPSHOT = (
    select(
        recipient.c.id.label("person"),
        recipient.c.campaign_id,
        recipient.c.launch,
        recipient.c.state,
        recipient.c.phone.label("own"),
        recipient.c.alternate_phones,
        recipient.c.outcome,
        recipient.c.attempts,
        recipient.c.calls,
        campaign.c.state.label("campaign_state"),
        call.c.id.label("call_id"),
        call.c.number,
        call.c.status,
        call.c.fence,
        call.c.fence_deadline,
        call.c.created_at,
        call.c.settled_at,
        call.c.is_attempt,
        call.c.provider_call_id,
        lease.c.call_id.label("held_by"),
        lease.c.line,
        lease.c.phone,
    )
    .join_from(recipient, campaign, campaign.c.id == recipient.c.campaign_id)
    .outerjoin(call, call.c.recipient_id == recipient.c.id)
    .outerjoin(lease, lease.c.call_id == call.c.id)
)
"""Everybody with all their calls and the slots these hold: foreign keys see to it that there are
no calls and no slots but these."""
_FORWARD = {CallStatus.QUEUED: 0, CallStatus.RINGING: 1, CallStatus.IN_PROGRESS: 2}


@dataclass
class Phone:
    """What really became of a request that left."""

    call_id: str
    number: str
    line: str
    answer: str
    """`taken`, `unheard` (taken; the response is lost), `lost`, or a FailureClass: refused."""
    at: datetime
    """When the request left."""
    reported: list[CallStatus] = field(default_factory=list)
    """What the provider has to report, in the order in which it happened."""
    over: bool = False
    given_up: bool = False
    """The provider's list did not show it in time, and it was taken for never placed."""
    recorded: bool = False
    reports: int = 0

    @property
    def exists(self) -> bool:
        return self.answer in ("taken", "unheard")

    @property
    def live(self) -> bool:
        return self.exists and not self.over

    @property
    def provider_id(self) -> str:
        return f"p-{self.call_id}"


def in_order(claimed: ClaimedCall) -> tuple[int, str]:
    """By recipient: the ids of calls are random, and a history has to be the same every time."""
    return len(claimed.workflow_id), claimed.workflow_id


class Invariants:
    """Of the design, section 9."""

    database: InThread
    phones: dict[str, Phone]
    statuses: dict[str, CallStatus]
    enrolled: dict[int, int]
    _read_at = -1
    _rows: list[Any]

    def _limits_hold(self, statuses: dict[str, CallStatus], leases: list[Any]) -> None:
        """One live call a number, no line and no campaign beyond its limit. A call that was given
        up and reported later takes a slot whatever the limits say."""
        rows = [row for row in leases if not statuses[row["call_id"]].terminal]
        for column, most in (("line", MOST_ON_LINE), ("campaign_id", OF_CAMPAIGN), ("phone", 1)):
            values = [row[column] for row in rows]
            assert all(values.count(value) <= most for value in values), column

    def _no_slot_is_freed_while_the_phone_may_ring(self, leases: list[Any]) -> None:
        held = {row["call_id"] for row in leases}
        ringing = [p for p in self._live_phones() if not p.given_up]
        for live in ringing:
            assert live.call_id in held, f"{live} holds no slot"
        numbers = [live.number for live in ringing]
        assert len(numbers) == len(set(numbers)), "two live calls to one number"

    def _statuses_move_forward(self, statuses: dict[str, CallStatus]) -> None:
        for call_id, status in statuses.items():
            before = self.statuses.get(call_id, status)
            if before.terminal:
                assert status is before
            elif not status.terminal:
                assert _FORWARD[status] >= _FORWARD[before]
            self.statuses[call_id] = status

    def _within_ceiling(self, number: str, now: Any) -> None:
        """What did reach the network within the day before; more may be counted than did."""
        placed = [
            one
            for one in self.phones.values()
            if one.number == number
            and one.line == COUNTED
            and one.exists
            and not one.given_up
            and one.at > now - WITHIN
        ]
        assert len(placed) < MOST_A_DAY, "dialed beyond the daily ceiling"

    def _nobody_is_lost(self) -> None:
        """Everybody is somewhere, once, as are their numbers; and attempts add up."""
        people: dict[int, list[Any]] = defaultdict(list)
        for row in self._snapshot():
            people[row["person"]].append(row)
        counted = dict.fromkeys(self.enrolled, 0)
        for calls in people.values():
            row = calls[0]
            counted[row["campaign_id"]] += 1
            made = sum(bool(one["is_attempt"]) for one in calls)
            assert made == row["attempts"], "attempts that do not add up"
            numbers = [row["own"], *row["alternate_phones"]]
            assert len(numbers) == len(set(numbers)), "a number that stands twice"
            self._is_somewhere(row, [one for one in calls if one["number"] == row["calls"]])
        assert counted == self.enrolled

    def _counts_are_kept(self) -> None:
        """What triggers have counted is what there is."""
        people = {row["person"]: key_of_recipient(row) for row in self._snapshot()}
        calls = [key_of_call(row) for row in self._snapshot() if row["call_id"] is not None]
        assert self._read(kept_counts) == Counter([*people.values(), *calls])

    def _is_somewhere(self, row: Any, last: list[Any]) -> None:
        """`last` is the person's last call, if there was any."""
        state = RecipientState(row["state"])
        status = CallStatus(last[0]["status"]) if last else None
        if state is RecipientState.DONE:
            assert row["outcome"] is not None
        elif state is RecipientState.CALLING:
            assert status is not None
            assert not status.terminal
        else:
            assert status is None or status.terminal
        if state is RecipientState.SETTLING:
            assert not last or last[0]["settled_at"] is None

    def _read(self, work: Any) -> Any:
        return self.database.read_sync(work)

    def _snapshot(self) -> list[Any]:
        """As the database is now; read again only after a transaction that may have changed it."""
        if self._read_at != self.database.changes:
            self._rows = self._read(lambda s: s.connection().execute(_SNAPSHOT).mappings().all())
            self._read_at = self.database.changes
        return self._rows

    def _row(self, call_id: str) -> Any:
        (snapshot_row,) = [row for row in self._snapshot() if row["call_id"] == call_id]
        return snapshot_row

    def _leases(self) -> list[Any]:
        return [row for row in self._snapshot() if row["held_by"] is not None]

    def _statuses(self) -> dict[str, CallStatus]:
        return {
            row["call_id"]: CallStatus(row["status"])
            for row in self._snapshot()
            if row["call_id"] is not None
        }

    def _live_phones(self) -> list[Phone]:
        return [each for each in self.phones.values() if each.live]

    def _unrecorded(self) -> list[Phone]:
        return [each for each in self.phones.values() if not each.recorded]

    def _reported(self) -> list[Phone]:
        return [each for each in self.phones.values() if each.reported]

    def _move_phone(self, live: Phone, status: CallStatus) -> None:
        if status is CallStatus.IN_PROGRESS and status in live.reported:
            return
        if status in (CallStatus.NO_ANSWER, CallStatus.BUSY) and len(live.reported) > 1:
            status = CallStatus.COMPLETED
        live.reported.append(status)
        live.over = status.terminal
