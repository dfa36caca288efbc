"""Gauges: what is in flight, due or late in the whole installation, at one instant.

Every statement reads a bounded number of rows, however long the history is: calls that hold slots,
campaigns that are open, endpoints with something due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, literal, literal_column, select, tuple_, union_all
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.endpoint import BEHIND, DeliveryState, EndpointState
from outdial.domain.line.breaker import Circuit
from outdial.store.budget.progress import read_budgets
from outdial.store.campaign.campaigns import IS_LAUNCHED, campaign_record
from outdial.store.db.bulk import among
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import (
    EPOCH,
    call,
    campaign,
    claim_state,
    delivery,
    endpoint,
    event,
    is_open,
    lease,
    line,
)
from outdial.store.webhooks.queues import next_due

MOST_LEASES = 20_000
MOST_CAMPAIGNS = 1_000
"""Open campaigns in one state that are counted; of them those with a budget are read as far as
`MOST_BUDGETS`."""
MOST_BUDGETS = 100
MOST_ENDPOINTS = 500
"""Endpoints with something pending, those that are due first."""
MOST_OUTBOXES = 50
"""Of those, whose outboxes are read for what is due in them."""

_ENABLED: ColumnElement[bool] = endpoint.c.state == literal_column(
    f"'{EndpointState.ENABLED.value}'"
)
"""Written out: with a parameter in its place no database knows that a partial index is meant."""
_HELD = (
    select(lease.c.call_id, lease.c.campaign_id, lease.c.line, lease.c.expires_at)
    .order_by(lease.c.acquired_at)
    .limit(MOST_LEASES)
    .subquery("held")
)
# Looked up one by one: a join is made by reading all campaigns.
_STATED = select(
    _HELD.c.line,
    _HELD.c.expires_at,
    select(call.c.status).where(call.c.id == _HELD.c.call_id).scalar_subquery().label("status"),
    select(campaign.c.state)
    .where(campaign.c.id == _HELD.c.campaign_id)
    .scalar_subquery()
    .label("state"),
).subquery("stated")
_IN_FLIGHT = select(
    _STATED.c.line,
    _STATED.c.status,
    _STATED.c.state,
    func.count().label("calls"),
    func.min(_STATED.c.expires_at, type_=lease.c.expires_at.type).label("expires_at"),
).group_by(_STATED.c.line, _STATED.c.status, _STATED.c.state)
_OLDEST_LEASE = select(lease.c.acquired_at).order_by(lease.c.acquired_at).limit(1)
_LINES = select(
    line.c.tenant,
    line.c.name,
    line.c.max_concurrent,
    line.c.circuit,
    line.c.held_until,
)
_UNSIGNALLED = (
    select(event.c.received_at)
    .where(event.c.signalled_at.is_(None), event.c.call_id.is_not(None))
    .order_by(event.c.received_at, event.c.id)
    .limit(1)
)
_PENDING: ColumnElement[str] = literal_column(f"'{DeliveryState.PENDING.value}'")
# All columns of its index but the first are compared together: without statistics PostgreSQL takes
# all indexes to be alike, and would read those of other endpoints.
_place = tuple_(delivery.c.endpoint_id, delivery.c.state, delivery.c.created_at)
_OLDEST_PENDING = (
    select(delivery.c.created_at)
    .where(
        delivery.c.tenant == endpoint.c.tenant,
        _place >= tuple_(endpoint.c.id, _PENDING, literal(EPOCH, delivery.c.created_at.type)),
        _place <= tuple_(endpoint.c.id, _PENDING, literal(BEHIND, delivery.c.created_at.type)),
    )
    .order_by(delivery.c.endpoint_id, delivery.c.state, delivery.c.created_at, delivery.c.id)
    .limit(1)
    .correlate(endpoint)
    .scalar_subquery()
)
_OUTBOXES = (
    select(endpoint.c.id, endpoint.c.failing_since, _OLDEST_PENDING.label("oldest"))
    .where(_ENABLED, endpoint.c.due_at.is_not(None))
    .order_by(endpoint.c.due_at, endpoint.c.id)
    .limit(MOST_ENDPOINTS)
)


@dataclass(frozen=True, slots=True)
class LineGauges:
    """A line that was announced."""

    name: str
    max_concurrent: int
    circuit: Circuit
    held: bool
    """No call is placed on it now: its credentials or configuration were refused."""


@dataclass(slots=True)
class StoreGauges:
    lines: list[LineGauges] = field(default_factory=list)
    in_flight: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Calls that hold a slot, by line, call status and campaign state."""
    oldest_lease: timedelta = timedelta(0)
    overdue_lease: timedelta = timedelta(0)
    """How long ago the longest possible call ended, of those that still hold a slot."""
    campaigns: dict[CampaignState, int] = field(default_factory=dict)
    """Open campaigns, those for single calls left out."""
    overdue_claim: timedelta = timedelta(0)
    """How long ago a running campaign was to claim again and has not."""
    budgets_spent: int = 0
    """Running campaigns whose budget admits no more calls, in this launch or today."""
    budget_left: float | None = None
    """The smallest share that is left of the budget of a running campaign's launch."""
    unsignalled: timedelta = timedelta(0)
    """Age of the oldest report of a call that its workflow has not got."""
    outbox_oldest: timedelta = timedelta(0)
    outbox_overdue: timedelta = timedelta(0)
    """How long what is due for an endpoint has waited to be sent."""
    endpoints_failing: int = 0
    """Endpoints with something pending whose last answer was a failure."""
    failing_longest: timedelta = timedelta(0)


def read_store_gauges(s: Session, lines: Collection[tuple[str, str]], now: datetime) -> StoreGauges:
    """`lines` are tenants and names of those that are configured."""
    gauges = StoreGauges()
    _read_lines(s, gauges, lines, now)
    _read_leases(s, gauges, now)
    _read_campaigns(s, gauges, now)
    gauges.unsignalled = _age(s.connection().execute(_UNSIGNALLED).scalar(), now)
    _read_outboxes(s, gauges, now)
    return gauges


def _age(since: datetime | None, now: datetime) -> timedelta:
    return timedelta(0) if since is None else max(timedelta(0), now - since)


def _read_lines(
    s: Session, gauges: StoreGauges, lines: Collection[tuple[str, str]], now: datetime
) -> None:
    for row in s.connection().execute(_LINES).mappings():
        if (row["tenant"], row["name"]) in lines:
            held = row["held_until"] is not None and row["held_until"] > now
            circuit = Circuit(row["circuit"])
            gauges.lines.append(LineGauges(row["name"], row["max_concurrent"], circuit, held))


def _read_leases(s: Session, gauges: StoreGauges, now: datetime) -> None:
    for row in s.connection().execute(_IN_FLIGHT).mappings():
        key = (row["line"], row["status"] or "", row["state"] or "")
        gauges.in_flight[key] = row["calls"]
        gauges.overdue_lease = max(gauges.overdue_lease, _age(row["expires_at"], now))
    gauges.oldest_lease = _age(s.connection().execute(_OLDEST_LEASE).scalar(), now)


def _open(state: CampaignState) -> Any:
    """Of all tenants; a range of the index of open campaigns."""
    return (
        select(campaign.c.id, campaign.c.state)
        .where(is_open, campaign.c.state == state.value, ~campaign.c.direct, IS_LAUNCHED)
        .order_by(campaign.c.id)
        .limit(MOST_CAMPAIGNS)
        .subquery()
    )


_CLAIMS = Lookup(
    select(claim_state.c.wake_at, claim_state.c.budget_exhausted),
    claim_state.c.campaign_id,
    "ids",
)
_OPEN = union_all(*(select(_open(state)) for state in CampaignState if not state.over))


def _read_campaigns(s: Session, gauges: StoreGauges, now: datetime) -> None:
    gauges.campaigns = {state: 0 for state in CampaignState if not state.over}
    running = []
    for campaign_id, state in s.connection().execute(_OPEN):
        gauges.campaigns[CampaignState(state)] += 1
        if state == CampaignState.RUNNING:
            running.append(campaign_id)
    for wake_at, exhausted in _CLAIMS.execute(s, {"ids": running}):
        gauges.overdue_claim = max(gauges.overdue_claim, _age(wake_at, now))
        gauges.budgets_spent += exhausted is not None
    gauges.budget_left = min(_shares_left(s, running[:MOST_BUDGETS]), default=None)


def _shares_left(s: Session, ids: list[int]) -> Iterator[float]:
    statement = select(campaign).where(among(campaign.c.id, "ids"))
    rows = s.connection().execute(statement, {"ids": ids}).mappings()
    for budget in read_budgets(s, [campaign_record(row) for row in rows]).values():
        if budget.most is not None and budget.left is not None and budget.most.amount > 0:
            yield budget.left.amount / budget.most.amount


def _read_outboxes(s: Session, gauges: StoreGauges, now: datetime) -> None:
    rows = s.connection().execute(_OUTBOXES).all()
    for _, failing_since, oldest in rows:
        gauges.endpoints_failing += failing_since is not None
        gauges.failing_longest = max(gauges.failing_longest, _age(failing_since, now))
        gauges.outbox_oldest = max(gauges.outbox_oldest, _age(oldest, now))
    for endpoint_id, _, _ in rows[:MOST_OUTBOXES]:
        gauges.outbox_overdue = max(gauges.outbox_overdue, _age(next_due(s, endpoint_id), now))
