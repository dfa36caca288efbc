"""Recipients that may be called: read, decided about, and updated as decided.

Those whose window has closed while they were ready are decided again first; then those who are due,
those with a promised time before the others. Of those who are ready, the one whose window
closes first is next in order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    RowMapping,
    Select,
    bindparam,
    literal,
    select,
    union_all,
    update,
)
from sqlmodel import Session

from outdial.domain.call.batches import RESCHEDULED, SLACK, SMALLEST_STEP, Needed
from outdial.domain.call.plan import CallPlan, read_plan
from outdial.domain.decision.consequence import drops_number, final_outcome
from outdial.domain.decision.decision import (
    Candidate,
    Decision,
    Dial,
    Ledger,
    Never,
    Wait,
    reason_key,
)
from outdial.domain.decision.planner import decide, looks_back
from outdial.domain.line.capacity import LineCapacity
from outdial.domain.line.routing import Marks
from outdial.domain.numbers.phone import subscriber
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Rulebook
from outdial.domain.rules.zone import ZoneEvidence
from outdial.store.budget.claiming import budgets_of_people
from outdial.store.claims import ledger
from outdial.store.claims.ledger import LedgerQuery
from outdial.store.claims.reschedule import reschedule
from outdial.store.claims.scan import DueScan, EndedRecipient
from outdial.store.compliance.suppressions import reason_of
from outdial.store.db.bulk import among
from outdial.store.db.tables import OWN_PLAN, is_ready, is_request, is_waiting, recipient
from outdial.store.records import read_candidate, read_current_zones

NOT_CALLED = (RecipientState.WAITING.value, RecipientState.READY.value)
"""States in which a claim may decide about a recipient. What is reported late of an earlier call
(`store.call.late_evidence`) decides about them, too, and does not lock the claim state."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient that may be called, as a claim reads it."""

    id: int
    phone: str
    others: tuple[str, ...]
    """The person's other numbers, in the order of their turns."""
    group: str
    """Names the group that is read together: the first of the campaign's lines, whatever it was
    at the recipient's enrolment or last call; for a plan of its own, the line of that."""
    calls: int
    outcome: str | None
    closes_at: datetime | None
    """Known of those who were stored as ready earlier."""
    turn: int
    requester_workflow_id: str | None
    zones: ZoneEvidence
    candidate: Candidate
    plan: CallPlan
    revision: int
    """That of the plan."""

    @property
    def marks(self) -> Marks:
        """By line: how earlier calls to the recipient failed on it."""
        return self.candidate.marks

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.phone, *self.others)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(share.name for share in self.plan.shares)

    @property
    def subscribers(self) -> tuple[str, ...]:
        """All numbers of the person, each in its canonical form."""
        return tuple(map(subscriber, self.numbers))


Decided = tuple[Recipient, Decision]


CALLABLE = (
    select(
        recipient.c.id,
        recipient.c.phone,
        recipient.c.alternate_phones,
        recipient.c.line,
        recipient.c.attempts,
        recipient.c.calls,
        recipient.c.outcome,
        recipient.c.not_before,
        recipient.c.window_closes_at,
        recipient.c.turn,
        recipient.c.requester_workflow_id,
        recipient.c.zones,
        recipient.c.consent,
        recipient.c.promised,
        *OWN_PLAN,
        recipient.c.line_marks,
        reason_of(bindparam("tenant"), recipient.c.phone).label("suppressed"),
    )
    .where(
        recipient.c.campaign_id == bindparam("campaign_id"),
        recipient.c.launch == bindparam("launch"),
    )
    .limit(bindparam("size"))
)
"""Recipients of a launch, `size` of them; to be narrowed down and ordered. A statement is built
once: building one takes longer than running it."""


def _due(turn: int, waiting: ColumnElement[bool]) -> Select[Any]:
    return (
        CALLABLE.where(
            waiting,
            recipient.c.due_at <= bindparam("now"),
            recipient.c.turn == turn,
        )
        .order_by(recipient.c.due_at, recipient.c.id)
        .limit(bindparam(f"size_{turn}"))
    )


def _next(waiting: ColumnElement[bool], *of_group: ColumnElement[bool]) -> CompoundSelect[Any]:
    """Each part reads no more than its size from its index; the first of all of them are taken."""
    closed = CALLABLE.where(is_ready, recipient.c.window_closes_at <= bindparam("now"))
    groups = (
        (closed.order_by(recipient.c.window_closes_at), recipient.c.window_closes_at),
        (_due(0, waiting), recipient.c.due_at),
        (_due(1, waiting), recipient.c.due_at),
    )
    parts = [
        part.where(*of_group)
        .add_columns(literal(place).label("place"), since.label("since"))
        .subquery()
        for place, (part, since) in enumerate(groups)
    ]
    return (
        union_all(*(select(part) for part in parts))
        .order_by("place", "since", "id")
        .limit(bindparam("size"))
    )


_OF_LINE = (recipient.c.line == bindparam("of_line"), is_request)
_NEXT = _next(recipient.c.state == RecipientState.WAITING.value)
_NEXT_ON = _next(is_waiting, *_OF_LINE)
_READY = CALLABLE.where(is_ready).order_by(
    recipient.c.window_closes_at, recipient.c.turn, recipient.c.id
)
_READY_ON = _READY.where(*_OF_LINE)
"""Of the direct campaign, whose recipients bring lines of their own. All others have those of their
campaign, as they are now: the line stored with a recipient may be one of an earlier revision."""


def find_recipients(
    s: Session,
    campaign: CampaignRecord,
    statement: Select[Any] | CompoundSelect[Any],
    size: int,
    **values: Any,
) -> list[Recipient]:
    """The recipients that a statement made of CALLABLE selects."""
    of_launch = {"tenant": campaign.tenant, "campaign_id": campaign.id, "launch": campaign.launch}
    rows = s.connection().execute(statement, of_launch | values | {"size": size})
    return [recipient_of(row, campaign) for row in rows.mappings()]


def find_due(
    s: Session,
    campaign: CampaignRecord,
    size: int,
    now: datetime,
    need: Needed | None = None,
    line: str | None = None,
) -> list[Recipient]:
    """The next recipients that are due, at most `size` of them, in their order; with `line`, of
    the requests that bring it.

    `need` says how many more have to be ready, of those with a time of their own and of all: a
    kind of which there are enough is left out."""
    sizes = {"size_0": size, "size_1": size}
    if need is not None:
        sizes = {"size_0": size if need.redials > 0 else 0, "size_1": size if need.all > 0 else 0}
    if line is None:
        return find_recipients(s, campaign, _NEXT, size, now=now, **sizes)
    return find_recipients(s, campaign, _NEXT_ON, size, now=now, of_line=line, **sizes)


def find_ready(
    s: Session,
    campaign: CampaignRecord,
    capacity: LineCapacity,
    at_most: int,
    just_decided: Sequence[Recipient],
) -> tuple[list[Recipient], set[str]]:
    """Recipients that are ready where lines take calls, and the groups that were not read to
    their end. Those who were just decided to be ready are not stored as ready yet."""
    decided, unread = {each.id for each in just_decided}, set[str]()
    ready: list[Recipient] = []
    for group in capacity.routes:
        count = capacity.free_for(group)
        if count <= 0:
            continue
        size = min(count, at_most) + SLACK
        if campaign.direct:
            stored = find_recipients(s, campaign, _READY_ON, size, of_line=group)
        else:
            stored = find_recipients(s, campaign, _READY, size)
        if len(stored) == size:
            unread.add(group)
        ready += [each for each in stored if each.id not in decided]
        ready += [each for each in just_decided if each.group == group]
    return ready, unread


def recipient_of(row: RowMapping, campaign: CampaignRecord) -> Recipient:
    """A recipient from a row of a statement made of CALLABLE."""
    others = tuple(row["alternate_phones"])
    zones = read_current_zones(row["zones"], row["phone"], others)
    return Recipient(
        id=row["id"],
        phone=row["phone"],
        others=others,
        group=row["line"] if campaign.direct else campaign.plan.line,
        calls=row["calls"],
        outcome=row["outcome"],
        closes_at=row["window_closes_at"],
        turn=row["turn"],
        requester_workflow_id=row["requester_workflow_id"],
        zones=zones,
        candidate=read_candidate(row, zones),
        plan=campaign.plan if row["plan"] is None else read_plan(row["plan"]),
        revision=row["revision"] or campaign.revision,
    )


def scan_due(
    s: Session,
    campaign: CampaignRecord,
    rulebook: Rulebook,
    *,
    need: Needed,
    at_most: int,
    now: datetime,
    put_off: bool = True,
    line: str | None = None,
) -> tuple[DueScan, list[tuple[Recipient, Dial]]]:
    """Decide step by step until as many are ready as needed, none is due, or `at_most` is reached;
    with `line`, about requests that bring it.

    Those who were found ready last are returned instead of stored: most are called at once. Once,
    if `put_off` says so, recipients that wait for the same hours are put off together.
    """
    scan = DueScan(unread=frozenset((line or campaign.plan.line,)))
    ready: list[tuple[Recipient, Dial]] = []
    while scan.decisions < at_most:
        left = need.after(scan.promoted)
        size = left.step(at_most - scan.decisions)
        write_decisions(s, ready)  # or they were read again
        due = find_due(s, campaign, size, now, left, line)
        ledgers = read_ledgers(s, campaign, due, rulebook, now)
        ready, others = [], list[Decided]()
        waits = 0
        for each in due:
            if waits == SMALLEST_STEP and not ready and put_off:
                break  # outside the hours, probably: those that follow are put off together
            decision = decide(each.candidate, each.plan, ledgers[each.id], now, rulebook)
            waits += isinstance(decision, Wait)
            scan.reasons[reason_key(decision)] += 1
            if isinstance(decision, Dial):
                ready.append((each, decision))
            else:
                others.append((each, decision))
        scan.ledgers = {each.id: ledgers[each.id] for each, _ in ready}
        scan.ended += write_decisions(s, others)
        decided = len(ready) + len(others)
        scan.decisions += decided
        scan.promoted += len(ready)
        if decided == len(due) < size:
            if left.all > 0:
                scan.unread = frozenset()
            break
        if scan.promoted >= need.all:
            break
        if waits and put_off:
            put_off = False
            scan.outside_hours = reschedule(s, campaign, rulebook, now) == RESCHEDULED
            if scan.outside_hours:
                break
    return scan, ready


_NONE: Mapping[int, Ledger] = {}


def read_ledgers(
    s: Session,
    campaign: CampaignRecord,
    recipients: Sequence[Recipient],
    rulebook: Rulebook,
    now: datetime,
    earlier: Mapping[int, Ledger] = _NONE,
) -> dict[int, Ledger]:
    """What was tried before, by recipient; read only as far as limits ask for it.

    A ledger that was read earlier in this transaction keeps its daily ceiling: only the fence
    decides by that for good.
    """
    queries = [
        LedgerQuery(
            each.phone,
            each.others,
            looks_back(each.candidate, each.plan, rulebook),
            () if each.id in earlier else each.lines,
        )
        for each in recipients
    ]
    read = ledger.read_ledgers(s, campaign.tenant, queries, now)
    ledgers = {each.id: one for each, one in zip(recipients, read, strict=True)}
    budgets = budgets_of_people(s, campaign, {each.id: each.calls for each in recipients})
    for recipient_id, budget in budgets.items():
        ledgers[recipient_id] = replace(ledgers[recipient_id], budget=budget)
    for recipient_id, before in earlier.items():
        if recipient_id in ledgers and before.ceiling is not None:
            ledgers[recipient_id] = replace(ledgers[recipient_id], ceiling=before.ceiling)
    return ledgers


def write_decisions(s: Session, decided: Iterable[Decided]) -> list[EndedRecipient]:
    """Store decisions about recipients; equal ones in one statement. Returns those ended."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    ended: list[EndedRecipient] = []
    for each, decision in decided:
        if drops_number(decision, each.others):
            _use_next_number(s, each)
            continue
        alike[tuple(sorted(_after(each, decision).items()))].append(each.id)
        if isinstance(decision, Never):
            reason = decision.reason.text
            ended.append(EndedRecipient(each.id, each.requester_workflow_id, reason))
    moved: set[int] = set()
    for values, ids in alike.items():
        moving = (
            update(recipient)
            .where(among(recipient.c.id, "ids"), recipient.c.state.in_(NOT_CALLED))
            .values(dict(values))
        )
        if ended:
            moved |= set(
                s.connection().execute(moving.returning(recipient.c.id), {"ids": ids}).scalars()
            )
        else:
            s.connection().execute(moving, {"ids": ids})
    return [each for each in ended if each.recipient_id in moved]


def _use_next_number(s: Session, of: Recipient) -> None:
    """Drop the number for good. A later scan decides about the next one."""
    phone, *others = of.others
    values = {"phone": phone, "alternate_phones": others, "line_marks": {}}
    s.connection().execute(
        update(recipient)
        .where(recipient.c.id == of.id, recipient.c.state.in_(NOT_CALLED))
        .values(values | {"state": RecipientState.WAITING.value})
    )


def _after(of: Recipient, decision: Decision) -> dict[str, Any]:
    if isinstance(decision, Dial):
        return {
            "state": RecipientState.READY.value,
            "window_closes_at": decision.closes_at,
        }
    if isinstance(decision, Wait):
        return {
            "state": RecipientState.WAITING.value,
            "due_at": decision.until,
            "reason": decision.reason.text,
        }
    return {
        "state": RecipientState.DONE.value,
        "outcome": final_outcome(of.outcome, decision),
        "reason": decision.reason.text,
    }
