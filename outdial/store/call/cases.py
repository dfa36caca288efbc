"""A call with its recipient and campaign, locked together, and what is to change of them.

Every transaction that ends or settles calls works on cases: loaded in one query, changed in
memory, written back in few statements. Calls are locked in the order of their ids, each before
its recipient. The campaign is read, not locked: a stop that commits meanwhile may leave somebody
waiting, whom the claims and the end of a stopping campaign end (`store.roster.everybody`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Table, bindparam, exists, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan
from outdial.domain.call.status import CallStatus
from outdial.domain.record import RecipientState, Settled
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.db.dialect import locked
from outdial.store.db.tables import call, campaign, line, recipient
from outdial.store.records import read_plan, read_zones
from outdial.store.webhooks.outbox import tell_calls

_CALL_COLUMNS = (
    "id",
    "tenant",
    "campaign_id",
    "campaign",
    "launch",
    "recipient_id",
    "number",
    "workflow_id",
    "line",
    "phone",
    "status",
    "fence",
    "provider_call_id",
    "created_at",
    "fenced_at",
    "placed_at",
    "is_attempt",
    "outcome",
    "disposition",
    "call_back_at",
    "answered_by",
    "failure",
    "detail",
    "retry_after_seconds",
    "ringing_at",
    "answered_at",
    "ended_at",
    "analysed_at",
    "settle_by",
    "settled_at",
    "duration_seconds",
    "cost",
    "recording_url",
    "structured",
)
"""All but the long texts."""


_FOUND = (
    select(
        *(call.c[name] for name in _CALL_COLUMNS),
        recipient.c.state.label("recipient_state"),
        recipient.c.attempts.label("recipient_attempts"),
        recipient.c.calls.label("recipient_calls"),
        recipient.c.zones.label("recipient_zones"),
        recipient.c.withdrawn.label("recipient_withdrawn"),
        recipient.c.alternate_phones.label("recipient_alternate_phones"),
        recipient.c.consent.label("recipient_consent"),
        recipient.c.requester_workflow_id.label("recipient_requester_workflow_id"),
        recipient.c.plan.label("recipient_plan"),
        recipient.c.line_marks.label("recipient_line_marks"),
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
    )
    .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
    .join(campaign, campaign.c.id == call.c.campaign_id)
    .where(call.c.id.in_(bindparam("call_ids", expanding=True)))
    .order_by(call.c.id)
)
_CASES = locked(_FOUND, exclusive=[call, recipient])
_CALLS_FIRST = locked(
    select(call.c.id)
    .where(call.c.id.in_(bindparam("call_ids", expanding=True)))
    .order_by(call.c.id),
    exclusive=[call],
)

_SAVE = {
    table.name: update(table).where(table.c.id == bindparam("row_id"))
    for table in (call, recipient)
}

CANCELED = "canceled"
"""The outcome of whoever ends without having been called to the end."""
WITHDRAWN = "withdrawn"
STOPPED = "campaign stopped"


@dataclass(slots=True)
class Case:
    """Values as they are after the changes made so far."""

    call: dict[str, Any]
    recipient: dict[str, Any]
    campaign_state: CampaignState
    current_launch: int
    plan: CallPlan
    listed: tuple[str, ...] = ()
    """Numbers that were put on the suppression list because of this call."""
    tries_line: bool = False
    """Its line is open but for this call, which shows whether the line works again."""
    call_changes: dict[str, Any] = field(default_factory=dict)
    recipient_changes: dict[str, Any] = field(default_factory=dict)
    decided_anew: bool = False
    """Evidence that came after its settlement changed what becomes of the recipient."""
    has_steps: bool = False
    """Its settlement left steps to be done by an after-call workflow."""

    @property
    def id(self) -> str:
        return str(self.call["id"])

    @property
    def status(self) -> CallStatus:
        return CallStatus(self.call["status"])

    @property
    def zones(self) -> tuple[str, ...]:
        return self.evidence.candidates

    @property
    def evidence(self) -> ZoneEvidence:
        """Where the person may be; recipients without any are never called."""
        return read_zones(self.recipient["zones"])

    @property
    def others(self) -> list[str]:
        """The person's other numbers, in the order of their turns."""
        return list(self.recipient["alternate_phones"])

    @property
    def settled(self) -> bool:
        return self.call["settled_at"] is not None

    def instant(self, told: datetime, now: datetime) -> datetime:
        """A provider's instant, as far as it can be: from the placement on, and not after now.
        Delays are counted from it, and a provider's clock is nobody's concern."""
        placed: datetime = self.call["fenced_at"] or self.call["created_at"]
        return max(placed, min(told, now))

    @property
    def takes_no_more_calls(self) -> str | None:
        """Why the recipient ends here, whatever the outcome; None when it need not."""
        if self.recipient["withdrawn"]:
            return WITHDRAWN
        stopped = self.campaign_state not in (CampaignState.RUNNING, CampaignState.PAUSED)
        if stopped or self.current_launch != self.call["launch"]:
            return STOPPED
        return None

    def change_call(self, **values: Any) -> None:
        self.call_changes.update(values)
        self.call.update(values)

    def change_recipient(self, **values: Any) -> None:
        self.recipient_changes.update(values)
        self.recipient.update(values)

    @property
    def happened(self) -> list[str]:
        """Event types of the changes made so far. An end is told when it is settled, with all
        that is known of it by then."""
        changes = self.call_changes
        told = []
        if changes.get("status") == CallStatus.IN_PROGRESS and "ringing_at" in changes:
            told.append(CallStatus.RINGING)  # both became known at once
        if "status" in changes and not CallStatus(changes["status"]).terminal:
            told.append(CallStatus(changes["status"]))
        if "settled_at" in changes:
            told.append(self.status)
        return [f"call.{status.value}" for status in told]

    def told(self, *, changed: bool) -> Settled:
        return Settled(
            call_id=self.id,
            changed=changed,
            settled=self.settled,
            status=self.status,
            outcome=self.call["outcome"],
            campaign_workflow_id=f"campaign/{self.call['tenant']}/{self.call['campaign']}",
            requester_workflow_id=self.recipient["requester_workflow_id"],
            recipient_done=self.recipient["state"] == RecipientState.DONE,
            recipient_id=self.call["recipient_id"],
            tenant=self.call["tenant"],
            listed=self.listed,
            has_steps=self.has_steps,
        )


def load_cases(
    s: Session, call_ids: Iterable[str], *, of_one_recipient: bool = False
) -> list[Case]:
    """Lock calls that exist, with their recipients; sorted by id.

    `of_one_recipient` says that several of them may have the same recipient: all calls are locked
    before the first recipient then, as everybody does who loads one of them. Cases of one
    recipient share its values and changes.
    """
    wanted = sorted(set(call_ids))
    if not wanted:
        return []
    if of_one_recipient:
        s.connection().execute(_CALLS_FIRST, {"call_ids": wanted}).all()
    return _share(s.connection().execute(_CASES, {"call_ids": wanted}).mappings())


def read_case(s: Session, call_id: str) -> Case | None:
    """A call with its recipient, not locked: to decide by, not to be saved."""
    found = s.connection().execute(_FOUND, {"call_ids": [call_id]}).mappings().first()
    return None if found is None else _case(found)


def _share(rows: Iterable[RowMapping]) -> list[Case]:
    first: dict[int, Case] = {}
    cases = []
    for row in rows:
        case = _case(row)
        known = first.setdefault(case.call["recipient_id"], case)
        case.recipient, case.recipient_changes = known.recipient, known.recipient_changes
        cases.append(case)
    return cases


def _case(row: RowMapping) -> Case:
    of_recipient = (
        "state",
        "attempts",
        "calls",
        "zones",
        "withdrawn",
        "alternate_phones",
        "consent",
        "requester_workflow_id",
        "line_marks",
    )
    return Case(
        call={name: row[name] for name in _CALL_COLUMNS},
        recipient={name: row[f"recipient_{name}"] for name in of_recipient},
        campaign_state=CampaignState(row["campaign_state"]),
        current_launch=row["current_launch"],
        plan=read_plan(row["recipient_plan"] or row["campaign_plan"]),
        tries_line=row["tries_line"],
    )


def save_cases(s: Session, cases: Sequence[Case], now: datetime) -> None:
    """Write the changes back, and what endpoints are to be told of them."""
    _save(s, call, [(case.id, case.call_changes) for case in cases])
    persons = {case.call["recipient_id"]: case.recipient_changes for case in cases}
    _save(s, recipient, persons.items())
    changed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for case in cases:
        changed[case.call["tenant"]] += [(case.id, what) for what in case.happened]
    for tenant, changes in changed.items():
        tell_calls(s, tenant, changes, now=now)


def _save(s: Session, table: Table, changes: Iterable[tuple[Any, dict[str, Any]]]) -> None:
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for key, values in changes:
        if values:
            alike[tuple(sorted(values))].append({"row_id": key, **values})
    for rows in alike.values():
        s.connection().execute(_SAVE[table.name], rows)
