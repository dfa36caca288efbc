"""What must hold after each step of the model: read from the database and from the telephones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from domain.call import CallStatus
from domain.claim import ClaimedCall
from domain.record import RecipientState
from store.database import Database
from store.tables import call, campaign, lease, recipient

MOST_ON_LINE = 3
OF_CAMPAIGN = 2
_FORWARD = {CallStatus.QUEUED: 0, CallStatus.RINGING: 1, CallStatus.IN_PROGRESS: 2}


@dataclass
class Phone:
    """What really became of a request that left."""

    call_id: str
    number: str
    line: str
    answer: str
    """`taken`, `unheard` (taken; the response is lost), `lost`, or a FailureClass: refused."""
    told: list[CallStatus] = field(default_factory=list)
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
    def known_as(self) -> str:
        return f"p-{self.call_id}"


def in_order(claimed: ClaimedCall) -> tuple[int, str]:
    """By recipient: the ids of calls are random, and a history has to be the same every time."""
    return len(claimed.workflow_id), claimed.workflow_id


class Invariants:
    """Of the design, section 9."""

    database: Database
    phones: dict[str, Phone]
    statuses: dict[str, CallStatus]
    enrolled: dict[int, int]

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

    def _nobody_is_lost(self) -> None:
        """Everybody is somewhere, once, and attempts add up."""
        attempts = (
            select(func.count())
            .where(call.c.recipient_id == recipient.c.id, call.c.is_attempt)
            .scalar_subquery()
        )
        last = select(
            call.c.status, call.c.settled_at, call.c.recipient_id, call.c.number
        ).subquery()
        found = select(
            recipient, attempts.label("made"), last.c.status, last.c.settled_at
        ).join_from(
            recipient,
            last,
            (last.c.recipient_id == recipient.c.id) & (last.c.number == recipient.c.calls),
            isouter=True,
        )
        rows = self._read(lambda s: s.connection().execute(found).mappings().all())
        counted = dict.fromkeys(self.enrolled, 0)
        for row in rows:
            counted[row["campaign_id"]] += 1
            assert row["made"] == row["attempts"], "attempts that do not add up"
            state = RecipientState(row["state"])
            last_status = None if row["status"] is None else CallStatus(row["status"])
            if state is RecipientState.DONE:
                assert row["outcome"] is not None
            elif state is RecipientState.CALLING:
                assert last_status is not None
                assert not last_status.terminal
            else:
                assert last_status is None or last_status.terminal
            if state is RecipientState.SETTLING:
                assert row["settled_at"] is None
        assert counted == self.enrolled

    def _read(self, work: Any) -> Any:
        return self.database.read_sync(work)

    def _row(self, call_id: str) -> Any:
        found = (
            select(call, campaign.c.state.label("campaign_state"))
            .join_from(call, campaign, campaign.c.id == call.c.campaign_id)
            .where(call.c.id == call_id)
        )
        return self._read(lambda s: s.connection().execute(found).mappings().one())

    def _leases(self) -> list[Any]:
        found: list[Any] = self._read(
            lambda s: list(s.connection().execute(select(lease)).mappings())
        )
        return found

    def _statuses(self) -> dict[str, CallStatus]:
        found = select(call.c.id, call.c.status)
        rows = self._read(lambda s: s.connection().execute(found).all())
        return {row.id: CallStatus(row.status) for row in rows}

    def _live_phones(self) -> list[Phone]:
        return [asked for asked in self.phones.values() if asked.live]
