"""Applies the effects of callbacks in the settling transaction, and stores what is left to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from outdial.domain.appointment.appointment import Change
from outdial.domain.call.callback_effects import CallbackEffects, CallFacts, decide_effects
from outdial.domain.call.callback_run import (
    MIRROR,
    MIRROR_POSITION,
    CallbackRunState,
    CallbackState,
)
from outdial.domain.call.settlement import Following, Settling
from outdial.domain.definition.callbacks import CallbackKind
from outdial.store.call.locked_call import LockedCall
from outdial.store.callbacks.enrolment import enroll_person
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.db.tables import appointment_change, callback_entry, callback_run


def apply_callbacks(
    s: Session, locked: LockedCall, settling: Settling, following: Following, now: datetime
) -> Following:
    """Apply the callbacks of a settling call; what follows then in place of `following`."""
    plan = locked.plan
    if not plan.callbacks and plan.calendar is None:
        return following
    effects = decide_effects(plan.callbacks, facts_of(locked, settling), following)
    rows = [_mirror()] if plan.calendar is not None and _has_changed_appointments(s, locked) else []
    rows += _apply(s, locked, effects, now)
    rows += [
        _row(at, callback.do.value, callback.model_dump_json(exclude_defaults=True))
        for at, callback in effects.deferred
    ]
    if rows:
        _write(s, locked, rows, now)
    return effects.following


def facts_of(locked: LockedCall, settling: Settling) -> CallFacts:
    """What callbacks are chosen by."""
    call = locked.call
    made = len(settling.earlier_outcomes) + (1 if settling.counts_as_attempt else 0)
    return CallFacts(
        outcome=settling.outcome,
        disposition=call.disposition,
        attempt=max(made, 1),
        answered_by=call.answered_by,
        data=call.structured or {},
        zones=settling.zones,
        ended_at=settling.ended_at,
        redial_at=settling.redial_at,
        attempts_made=made,
        max_attempts=locked.plan.retry.max_attempts,
        recipient_closed=locked.closing_reason is not None,
    )


def _apply(
    s: Session, locked: LockedCall, effects: CallbackEffects, now: datetime
) -> list[dict[str, Any]]:
    rows = []
    for reason in effects.suppress:
        numbers, source = locked.phones, f"call {locked.id}"
        if suppress_all(s, locked.call.tenant, numbers, reason, now=now, source=source):
            locked.listed = tuple(numbers)
    for at, note in effects.notes.items():
        callback = locked.plan.callbacks[at]
        state = CallbackState.FOLLOW_UP if at in effects.unmet else CallbackState.DONE
        text = callback.model_dump_json(exclude_defaults=True)
        rows.append(_row(at, callback.do.value, text, state, note=note))
    for at, callback in effects.enroll:
        enrolled = enroll_person(s, locked, callback, locked.call.structured or {})
        state = CallbackState.FOLLOW_UP if enrolled.workflow_id is None else CallbackState.PENDING
        result = {"workflow_id": enrolled.workflow_id}
        text = callback.model_dump_json(exclude_defaults=True)
        kind = CallbackKind.ENROLL.value
        rows.append(_row(at, kind, text, state, note=enrolled.note, result=result))
    return rows


def _has_changed_appointments(s: Session, locked: LockedCall) -> bool:
    """Whether appointments were made or changed during the call."""
    holds = [Change.HELD.value, Change.RELEASED.value]
    query = (
        select(appointment_change.c.id)
        .where(appointment_change.c.call_id == locked.id, appointment_change.c.change.not_in(holds))
        .limit(1)
    )
    return s.connection().execute(query).first() is not None


def _mirror() -> dict[str, Any]:
    return _row(MIRROR_POSITION, MIRROR, "")


def _row(
    position: int,
    kind: str,
    callback: str,
    state: CallbackState = CallbackState.PENDING,
    *,
    note: str | None = None,
    result: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "position": position,
        "kind": kind,
        "callback": callback,
        "state": state.value,
        "generation": 1,
        "note": note,
        "result": result,
    }


def _write(s: Session, locked: LockedCall, rows: list[dict[str, Any]], now: datetime) -> None:
    """The run is the outbox: a sweep starts its workflow if this process dies before."""
    pending = any(row["state"] == CallbackState.PENDING.value for row in rows)
    s.connection().execute(
        insert(callback_run).values(
            call_id=locked.id,
            tenant=locked.call.tenant,
            campaign_id=locked.call.campaign_id,
            state=(CallbackRunState.PENDING if pending else CallbackRunState.DONE).value,
            run=1,
            created_at=now,
            started_at=None if pending else now,
            ended_at=None if pending else now,
        )
    )
    of_run = {"call_id": locked.id, "campaign_id": locked.call.campaign_id, "created_at": now}
    s.connection().execute(
        insert(callback_entry),
        [of_run | {"updated_at": now, **row} for row in rows],
    )
    locked.has_callbacks = pending
