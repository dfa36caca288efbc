"""A call with its recipient and campaign, locked together, and what is to change of them.

Every transaction that ends or settles calls works on locked calls: loaded in one query, changed in
memory, written back in few statements. Calls are locked in the order of their ids, then their
recipients in the order of theirs. The campaign is read, not locked: a stop that commits meanwhile
may leave somebody waiting, whom the claims and the end of a stopping campaign end
(`store.roster.requeue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Row, Select, bindparam, exists, select
from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan, read_plan
from outdial.domain.call.status import (
    REMOVED,
    STOPPED,
    WITHDRAWN,
    AnsweredBy,
    CallStatus,
    FailureClass,
    Fence,
)
from outdial.domain.canary.arms import Arm
from outdial.domain.money.cost import CostSource
from outdial.domain.record import RecipientState, Settled
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.budget.hold import HOLD_COLUMNS, BudgetHold, read_hold
from outdial.store.db.dialect import lock_rows, on_postgresql
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import (
    budget_hold,
    call,
    campaign,
    line,
    own_plan,
    recipient,
    running_canary,
)
from outdial.store.records import read_zones


class CallValues(NamedTuple):
    """The columns of a call, all but the long texts."""

    id: str
    tenant: str
    campaign_id: int
    campaign: str
    launch: int
    recipient_id: int
    number: int
    workflow_id: str
    line: str
    phone: str
    ring_seconds: float
    max_seconds: float
    status: CallStatus
    fence: Fence
    provider_call_id: str | None
    created_at: datetime
    fenced_at: datetime | None
    placed_at: datetime | None
    is_attempt: bool
    outcome: str | None
    disposition: str | None
    redial_at: datetime | None
    answered_by: AnsweredBy | None
    failure: FailureClass | None
    detail: str | None
    retry_after_seconds: float | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    analysed_at: datetime | None
    settle_by: datetime | None
    settled_at: datetime | None
    duration_seconds: float | None
    cost: float | None
    recording_url: str | None
    structured: dict[str, Any] | None

    @property
    def ring_timeout(self) -> timedelta:
        return timedelta(seconds=self.ring_seconds)

    @property
    def max_duration(self) -> timedelta:
        return timedelta(seconds=self.max_seconds)

    @property
    def retry_after(self) -> timedelta | None:
        wait = self.retry_after_seconds
        return None if wait is None else timedelta(seconds=wait)


class RecipientValues(NamedTuple):
    """The columns of a recipient that the end of a call is judged by."""

    state: RecipientState
    phone: str
    """The number whose turn it is; once a call is settled, it may be another than was called."""
    attempts: int
    calls: int
    zones: str
    """As JSON: a `ZoneEvidence`."""
    withdrawn: bool
    alternate_phones: tuple[str, ...]
    """The person's other numbers, in the order of their turns."""
    consent: str | None
    """As JSON: a `Consent`."""
    requester_workflow_id: str | None
    line_marks: dict[str, str]
    reason: str | None


class CampaignValues(NamedTuple):
    """The columns of its campaign that the end of a call is judged by; not locked."""

    state: CampaignState
    launch: int


_READERS: dict[str, Callable[[Any], Any]] = {
    "status": CallStatus,
    "fence": Fence,
    "answered_by": AnsweredBy,
    "failure": FailureClass,
    "state": RecipientState,
    "alternate_phones": tuple,
}
"""How a column is read whose field is no plain text, number or instant."""
_READ = {kind: frozenset(kind._fields) for kind in (CallValues, RecipientValues)}
_CONVERTED = {
    kind: [(at, _READERS[name]) for at, name in enumerate(kind._fields) if name in _READERS]
    for kind in (CallValues, RecipientValues)
}
_OF_CALL = slice(0, len(CallValues._fields))
_OF_RECIPIENT = slice(_OF_CALL.stop, _OF_CALL.stop + len(RecipientValues._fields))
"""Where the values stand among what `_FOUND` selects."""

_FOUND: Select[Any] = (
    select(
        *(call.c[name] for name in CallValues._fields),
        *(recipient.c[name].label(f"recipient_{name}") for name in RecipientValues._fields),
        own_plan.label("recipient_plan"),
        running_canary.label("canary_id"),
        recipient.c.arm,
        campaign.c.state.label("campaign_state"),
        campaign.c.launch.label("current_launch"),
        campaign.c.plan.label("campaign_plan"),
        exists()
        .where(
            line.c.tenant == call.c.tenant,
            line.c.name == call.c.line,
            line.c.trial_call_id == call.c.id,
        )
        .correlate(call)
        .label("tries_line"),
        *HOLD_COLUMNS,
    )
    .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
    .join(campaign, campaign.c.id == call.c.campaign_id)
    .join(budget_hold, budget_hold.c.call_id == call.c.id, isouter=True)
    .where(call.c.id.in_(bindparam("call_ids", expanding=True)))
    .order_by(call.c.id)
)
_CALLS = lock_rows(_FOUND, exclusive=[call, recipient])
_CALLS_FIRST = lock_rows(
    select(call.c.recipient_id)
    .where(call.c.id.in_(bindparam("call_ids", expanding=True)))
    .order_by(call.c.id),
    exclusive=[call],
)
_THEN_RECIPIENTS = lock_rows(
    select(recipient.c.id)
    .where(recipient.c.id.in_(bindparam("recipients", expanding=True)))
    .order_by(recipient.c.id),
    exclusive=[recipient],
)
"""For several calls: `_CALLS` would lock each recipient before the next call."""

Values = TypeVar("Values", CallValues, RecipientValues)


@dataclass(slots=True)
class LockedRow(Generic[Values]):
    """A row, and what is to change of it."""

    values: Values
    """As they are after the changes made so far."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Columns to be written, some of which are not among the values."""

    def change(self, columns: Mapping[str, Any]) -> None:
        for name, value in columns.items():
            self.changes[name] = value.value if isinstance(value, StrEnum) else value
        read = _READ[type(self.values)]
        self.values = self.values._replace(
            **{name: _convert(name, value) for name, value in columns.items() if name in read}
        )

    def differing(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The changes that are not stored yet; a column that was not read is always
        one of them."""
        read = _READ[type(self.values)]
        return {
            name: value
            for name, value in columns.items()
            if name not in read or getattr(self.values, name) != value
        }


@dataclass(slots=True)
class LockedCall:
    """One call; those of one recipient share the recipient's row."""

    call_row: LockedRow[CallValues]
    recipient_row: LockedRow[RecipientValues]
    campaign: CampaignValues
    plan: CallPlan
    tries_line: bool = False
    """Its line is open but for this call, which shows whether the line works again."""
    listed: tuple[str, ...] = ()
    """Numbers that this call put on the suppression list."""
    next_attempt_revised: bool = False
    """Evidence that came after its settlement changed what becomes of the recipient."""
    has_callbacks: bool = False
    """Its settlement stored callbacks for a callback workflow."""
    overtaken_by: str | None = None
    """The call whose late evidence withdrew it."""
    hold: BudgetHold | None = None
    """None: its campaign had no budget when it was claimed."""
    rings_again: bool = False
    """Late evidence says that it is under way."""
    canary_id: int | None = None
    """The canary that runs and that its recipient was drawn in."""
    arm: Arm | None = None
    """The recipient's arm in it."""

    @property
    def call(self) -> CallValues:
        return self.call_row.values

    @property
    def recipient(self) -> RecipientValues:
        return self.recipient_row.values

    @property
    def id(self) -> str:
        return self.call.id

    @property
    def status(self) -> CallStatus:
        return self.call.status

    @property
    def zones(self) -> tuple[str, ...]:
        return self.evidence.candidates

    @property
    def evidence(self) -> ZoneEvidence:
        """Where the person may be; recipients without any are never called."""
        return read_zones(self.recipient.zones)

    @property
    def phones(self) -> list[str]:
        """The number that was called, then the person's others."""
        return [self.call.phone, *self.other_phones]

    @property
    def other_phones(self) -> list[str]:
        """The person's numbers without the one that was called, in the order they are tried."""
        person = self.recipient
        left = dict.fromkeys([person.phone, *person.alternate_phones])
        left.pop(self.call.phone, None)
        return list(left)

    @property
    def number_changed(self) -> bool:
        """Whether the recipient has moved on to another number since this call."""
        return self.recipient.phone != self.call.phone

    @property
    def ended_at(self) -> datetime:
        """Raises ValueError while it has not ended."""
        if self.call.ended_at is None:
            raise ValueError(f"found call {self.id} without an end; only an ended one is settled")
        return self.call.ended_at

    @property
    def settled(self) -> bool:
        return self.call.settled_at is not None

    @property
    def costs_most(self) -> bool:
        """Whether it counts for the most that it can cost, as nobody knows better."""
        return self.hold is not None and self.hold.source is CostSource.HIGHEST

    @property
    def ended_now(self) -> bool:
        """Whether it is this transaction that ends it."""
        return "status" in self.call_row.changes and self.status.terminal

    @property
    def settled_now(self) -> bool:
        """Whether it is this transaction that settles it."""
        return "settled_at" in self.call_row.changes

    def instant(self, reported: datetime, now: datetime) -> datetime:
        """A provider's instant, clamped between the placement and now, since delays are counted
        from it."""
        placed = self.call.fenced_at or self.call.created_at
        return max(placed, min(reported, now))

    @property
    def closing_reason(self) -> str | None:
        """Why the recipient ends here, whatever the outcome; None when it need not."""
        if self.recipient.withdrawn:
            return REMOVED if self.recipient.reason == REMOVED else WITHDRAWN
        stopped = self.campaign.state not in (CampaignState.RUNNING, CampaignState.PAUSED)
        if stopped or self.campaign.launch != self.call.launch:
            return STOPPED
        return None

    def change_call(self, **columns: Any) -> None:
        self.call_row.change(columns)

    def change_recipient(self, **columns: Any) -> None:
        self.recipient_row.change(columns)

    @property
    def event_types(self) -> list[str]:
        """Events to publish for the changes made so far. An end is published when the call is
        settled, with everything reported by then."""
        changes, reached = self.call_row.changes, []
        moved = "status" in changes
        if moved and self.status is CallStatus.IN_PROGRESS and "ringing_at" in changes:
            reached.append(CallStatus.RINGING)  # both became known at once
        if moved and not self.status.terminal:
            reached.append(self.status)
        if self.settled_now:
            reached.append(self.status)
        return [f"call.{status.value}" for status in reached]

    def as_settled(self, *, changed: bool) -> Settled:
        """What the transaction reports of it; `changed` is whether it changed anything."""
        return Settled(
            call_id=self.id,
            changed=changed,
            settled=self.settled,
            status=self.status,
            outcome=self.call.outcome,
            campaign_workflow_id=campaign_workflow_id(self.call.tenant, self.call.campaign),
            requester_workflow_id=self.recipient.requester_workflow_id,
            recipient_done=self.recipient.state is RecipientState.DONE,
            recipient_id=self.call.recipient_id,
            tenant=self.call.tenant,
            line=self.call.line,
            listed=self.listed,
            has_callbacks=self.has_callbacks,
            overtaken_by=self.overtaken_by,
        )


def lock_calls(s: Session, call_ids: Iterable[str]) -> list[LockedCall]:
    """Lock calls that exist, with their recipients; sorted by id.

    All calls are locked before the first recipient: another transaction may hold one of the calls
    and want a recipient that several of them share.
    """
    ids = sorted(set(call_ids))
    if not ids:
        return []
    if len(ids) > 1 and on_postgresql(s):
        people = set(s.connection().execute(_CALLS_FIRST, {"call_ids": ids}).scalars())
        s.connection().execute(_THEN_RECIPIENTS, {"recipients": sorted(people)}).all()
    return _share_recipients(s.connection().execute(_CALLS, {"call_ids": ids}))


def lock_call(s: Session, call_id: str) -> LockedCall:
    """Lock one call with its recipient. Raises UnknownCall."""
    locked_calls = lock_calls(s, [call_id])
    if not locked_calls:
        raise UnknownCall(call_id)
    return locked_calls[0]


def read_call(s: Session, call_id: str) -> LockedCall | None:
    """A call with its recipient, not locked: to decide by, not to be saved."""
    row = s.connection().execute(_FOUND, {"call_ids": [call_id]}).first()
    return None if row is None else _locked_call(row)


def _share_recipients(rows: Iterable[Row[Any]]) -> list[LockedCall]:
    first: dict[int, LockedRow[RecipientValues]] = {}
    locked_calls = [_locked_call(row) for row in rows]
    for locked in locked_calls:
        key = locked.call.recipient_id
        locked.recipient_row = first.setdefault(key, locked.recipient_row)
    return locked_calls


def _locked_call(row: Row[Any]) -> LockedCall:
    return LockedCall(
        call_row=LockedRow(_values(CallValues, row[_OF_CALL])),
        recipient_row=LockedRow(_values(RecipientValues, row[_OF_RECIPIENT])),
        campaign=CampaignValues(CampaignState(row.campaign_state), row.current_launch),
        plan=read_plan(row.recipient_plan or row.campaign_plan),
        tries_line=row.tries_line,
        hold=read_hold(row),
        canary_id=row.canary_id,
        arm=None if row.arm is None else Arm(row.arm),
    )


def _values(kind: type[Values], cells: Sequence[Any]) -> Values:
    read = list(cells)
    for at, reader in _CONVERTED[kind]:
        if read[at] is not None:
            read[at] = reader(read[at])
    return kind._make(read)


def _convert(name: str, value: Any) -> Any:
    reader = _READERS.get(name)
    return value if value is None or reader is None else reader(value)
