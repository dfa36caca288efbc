"""Decides in the settling transaction what follows a call, and writes down what is left to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from outdial.domain.appointment.appointment import Change
from outdial.domain.call.chain import MIRROR, MIRROR_POSITION, ChainState, StepState
from outdial.domain.call.consequences import CallFacts, Consequences, consequences_of
from outdial.domain.call.settlement import Following, Settling
from outdial.domain.definition.callbacks import CallbackKind
from outdial.store.call.locked_call import LockedCall
from outdial.store.callbacks.enrolment import enroll_person
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.db.tables import after_call, after_call_step, appointment_change


def decide_after_call(
    s: Session, locked: LockedCall, settling: Settling, following: Following, now: datetime
) -> Following:
    """What follows once the callbacks were heard. Suppressions and enrolments are made here."""
    plan = locked.plan
    if not plan.callbacks and plan.calendar is None:
        return following
    found = consequences_of(plan.callbacks, _facts(locked, settling), following)
    rows = [_mirror()] if plan.calendar is not None and _changed_meanwhile(s, locked) else []
    rows += _in_house(s, locked, found, now)
    rows += [
        _row(at, callback.do.value, callback.model_dump_json(exclude_defaults=True))
        for at, callback in found.steps
    ]
    if rows:
        _write(s, locked, rows, now)
    return found.following


def _facts(locked: LockedCall, settling: Settling) -> CallFacts:
    known = locked.call
    made = len(settling.earlier_outcomes) + (1 if settling.counts_as_attempt else 0)
    return CallFacts(
        outcome=settling.outcome,
        disposition=known.disposition,
        attempt=max(made, 1),
        answered_by=known.answered_by,
        data=known.structured or {},
        zones=settling.zones,
        ended_at=settling.ended_at,
        call_back_at=settling.call_back_at,
        attempts_made=made,
        max_attempts=locked.plan.retry.max_attempts,
        takes_no_more=locked.takes_no_more_calls is not None,
    )


def _in_house(
    s: Session, locked: LockedCall, found: Consequences, now: datetime
) -> list[dict[str, Any]]:
    rows = []
    for reason in found.suppress:
        numbers, source = locked.phones, f"call {locked.id}"
        if suppress_all(s, locked.call.tenant, numbers, reason, now=now, source=source):
            locked.listed = tuple(numbers)
    for at, note in found.notes.items():
        callback = locked.plan.callbacks[at]
        state = StepState.FOLLOW_UP if at in found.unmet else StepState.DONE
        text = callback.model_dump_json(exclude_defaults=True)
        rows.append(_row(at, callback.do.value, text, state, note=note))
    for at, callback in found.enroll:
        enrolled = enroll_person(s, locked, callback, locked.call.structured or {})
        state = StepState.FOLLOW_UP if enrolled.workflow_id is None else StepState.PENDING
        result = {"workflow_id": enrolled.workflow_id}
        text = callback.model_dump_json(exclude_defaults=True)
        kind = CallbackKind.ENROLL.value
        rows.append(_row(at, kind, text, state, note=enrolled.note, result=result))
    return rows


def _changed_meanwhile(s: Session, locked: LockedCall) -> bool:
    """Whether appointments were made or changed while the call lasted."""
    holds = [Change.HELD.value, Change.RELEASED.value]
    found = (
        select(appointment_change.c.id)
        .where(appointment_change.c.call_id == locked.id, appointment_change.c.change.not_in(holds))
        .limit(1)
    )
    return s.connection().execute(found).first() is not None


def _mirror() -> dict[str, Any]:
    return _row(MIRROR_POSITION, MIRROR, "")


def _row(
    position: int,
    kind: str,
    callback: str,
    state: StepState = StepState.PENDING,
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
    """The chain is the outbox: whoever starts its workflow finds it here, whatever died."""
    open_steps = any(row["state"] == StepState.PENDING.value for row in rows)
    s.connection().execute(
        insert(after_call).values(
            call_id=locked.id,
            tenant=locked.call.tenant,
            campaign_id=locked.call.campaign_id,
            state=(ChainState.PENDING if open_steps else ChainState.DONE).value,
            run=1,
            created_at=now,
            started_at=None if open_steps else now,
            ended_at=None if open_steps else now,
        )
    )
    s.connection().execute(
        insert(after_call_step),
        [{"call_id": locked.id, "updated_at": now, **row} for row in rows],
    )
    locked.has_steps = open_steps
