"""Health of lines: failures of their calls, and the circuit breakers that these open.

Calls that work write nothing here, unless they try a line. One that fails is stored, counted
with the others of the window, and may open the circuit, all in the transaction that ends it. The
line's row is the last one such a transaction locks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import RowMapping, bindparam, delete, func, select, update
from sqlmodel import Session

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import (
    BreakerPolicy,
    Circuit,
    Health,
    LineFailure,
    Verdict,
    after_trial,
    judge,
    start_trial,
    verdict_of,
)
from outdial.store.call.locked_call import LockedCall
from outdial.store.db.dialect import insert_into, lock_rows
from outdial.store.db.ranges import page_of, read_in_order
from outdial.store.db.tables import call, line, line_failure

SHOWN = 5
KEPT = timedelta(days=1)
"""How long a failure can be looked at."""

_NOT_FAILED = [s.value for s in CallStatus if s not in (CallStatus.FAILED, CallStatus.CANCELED)]
"""A call that the provider took has worked so far. What fails is known at once and what ends well
after minutes, so that to wait for the end would make every line look bad at first."""
_LINE = lock_rows(
    select(line).where(line.c.tenant == bindparam("of_tenant"), line.c.name == bindparam("name")),
    exclusive=[line],
)
_WORKED = select(func.count()).select_from(
    select(call.c.placed_at)
    .where(
        call.c.tenant == bindparam("of_tenant"),
        call.c.line == bindparam("name"),
        call.c.placed_at > bindparam("after"),
        call.c.status.in_(_NOT_FAILED),
    )
    .limit(bindparam("most"))
    .subquery()
)
_WORKED_UNTIL_IT_FAILED = (
    select(func.count())
    .select_from(line_failure)
    .join(call, call.c.id == line_failure.c.call_id)
    .where(
        line_failure.c.tenant == bindparam("of_tenant"),
        line_failure.c.line == bindparam("name"),
        line_failure.c.at > bindparam("after"),
        call.c.placed_at > bindparam("after"),
        call.c.status.in_(_NOT_FAILED),
    )
)
"""Calls that were answered before their line failed them: counted among the failures only."""
_FAILURES = select(line_failure.c.at, line_failure.c.failure, line_failure.c.detail)
_FAILED = _FAILURES.where(
    line_failure.c.tenant == bindparam("of_tenant"),
    line_failure.c.line == bindparam("name"),
    line_failure.c.at > bindparam("after"),
).order_by(line_failure.c.at.desc())


@lru_cache(maxsize=256)
def read_breaker(text: str) -> BreakerPolicy:
    return BreakerPolicy.model_validate_json(text)


def health_of(row: RowMapping) -> Health:
    return Health(
        circuit=Circuit(row["circuit"]),
        since=row["circuit_since"],
        reason=row["circuit_reason"],
        retry_at=row["retry_at"],
        trial_call_id=row["trial_call_id"],
        openings=row["openings"],
    )


def last_failures(s: Session, tenant: str, name: str) -> tuple[LineFailure, ...]:
    """The latest failures of a line, newest first."""
    of_line = [(line_failure.c.tenant, tenant), (line_failure.c.line, name)]
    last = page_of(_FAILURES, of_line, [line_failure.c.at], limit=SHOWN, newest_first=True)
    return tuple(_failure(row) for row in read_in_order(s, last).mappings())


def record_line_result(
    s: Session, locked: LockedCall, now: datetime, *, fault: FailureClass | None = None
) -> None:
    """Count the end of a call for its line's health; `fault` is why an answered one broke off."""
    failure = locked.call.failure if fault is None else fault
    verdict, failed_as = verdict_of(locked.status, failure), failure or FailureClass.UNAVAILABLE
    noted = LineFailure(at=now, failure=failed_as, detail=locked.call.detail)
    _record(s, locked, verdict, noted, now)


def record_withdrawn(s: Session, calls: Iterable[LockedCall], now: datetime) -> None:
    """Count those of the calls that this transaction withdrew before they were sent."""
    for locked in calls:
        if locked.ended_now and locked.status is CallStatus.CANCELED:
            record_line_result(s, locked, now)


def record_unknown_placement(
    s: Session, locked: LockedCall, detail: str | None, now: datetime
) -> None:
    """Count a call as failed because its placement is unknown."""
    failure = LineFailure(at=now, failure=FailureClass.UNKNOWN, detail=detail)
    _record(s, locked, Verdict.FAILS, failure, now)


def record_working_lines(s: Session, calls: Iterable[LockedCall], now: datetime) -> None:
    """Put lines back in service whose trial call has reached a telephone."""
    for locked in calls:
        if locked.tries_line and not locked.status.terminal:
            verdict = verdict_of(locked.status, None)
            if verdict is Verdict.WORKS:
                _change(s, locked, verdict, None, now)


def begin_trial(s: Session, tenant: str, name: str, call_id: str, now: datetime) -> None:
    """Store that this call tries the line, which the claim has locked and found to admit one."""
    row = s.connection().execute(_LINE, {"of_tenant": tenant, "name": name}).mappings().one()
    _write(s, tenant, name, start_trial(health_of(row), call_id, now))


def _record(
    s: Session, locked: LockedCall, verdict: Verdict, failure: LineFailure, now: datetime
) -> None:
    if verdict is Verdict.FAILS:
        _keep(s, locked, failure)
    if locked.tries_line or verdict is Verdict.FAILS:
        _change(s, locked, verdict, failure, now)


def _keep(s: Session, locked: LockedCall, failure: LineFailure) -> None:
    tenant, name = locked.call.tenant, locked.call.line
    values = {"tenant": tenant, "line": name, "call_id": locked.id, **failure.model_dump()}
    s.connection().execute(
        insert_into(s, line_failure)
        .values(values | {"failure": failure.failure.value})
        .on_conflict_do_nothing()
    )
    s.connection().execute(
        delete(line_failure).where(
            line_failure.c.tenant == tenant,
            line_failure.c.line == name,
            line_failure.c.at < failure.at - KEPT,
        )
    )


def _change(
    s: Session, locked: LockedCall, verdict: Verdict, failure: LineFailure | None, now: datetime
) -> None:
    """Move the line's circuit, if this call does."""
    tenant, name = locked.call.tenant, locked.call.line
    of_line = {"of_tenant": tenant, "name": name}
    row = s.connection().execute(_LINE, of_line).mappings().first()
    if row is None:
        return
    health, policy = health_of(row), read_breaker(row["breaker"])
    if health.trial_call_id == locked.id:
        after = after_trial(health, policy, verdict, failure, now)
    elif health.circuit is Circuit.CLOSED and verdict is Verdict.FAILS:
        since = now - policy.window
        counted = {**of_line, "after": max(since, health.since) if health.since else since}
        rows = s.connection().execute(_FAILED, counted).mappings()
        failures = [_failure(one) for one in rows]
        twice = s.connection().execute(_WORKED_UNTIL_IT_FAILED, counted).scalar_one()
        most = policy.enough_working(len(failures)) + twice
        worked = s.connection().execute(_WORKED, counted | {"most": most}).scalar_one() - twice
        after = judge(health, policy, worked, failures, now)
    else:
        return
    if after != health:
        _write(s, tenant, name, after)


def _failure(row: RowMapping) -> LineFailure:
    return LineFailure(at=row["at"], failure=FailureClass(row["failure"]), detail=row["detail"])


def _write(s: Session, tenant: str, name: str, health: Health) -> None:
    s.connection().execute(
        update(line)
        .where(line.c.tenant == tenant, line.c.name == name)
        .values(
            circuit=health.circuit.value,
            circuit_since=health.since,
            circuit_reason=health.reason,
            retry_at=health.retry_at,
            trial_call_id=health.trial_call_id,
            openings=health.openings,
        )
    )
