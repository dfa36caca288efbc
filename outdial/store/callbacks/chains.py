"""Chains of steps: found, started, written down, replayed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, case, or_, select, update
from sqlmodel import Session

from outdial.domain.call.chain import Chain, ChainState, Step, StepContext, StepState
from outdial.domain.definition.callbacks import Callback
from outdial.store.call.calls import get_call
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import after_call, after_call_step, campaign, is_unfinished, recipient
from outdial.store.records import read_plan, read_zones

_CHAIN = tuple(name for name in Chain.model_fields if name != "steps")
_REPLAYED = [state.value for state in (StepState.FAILED, StepState.UNDONE, StepState.SKIPPED)]


def unstarted(
    s: Session, *, before: datetime, limit: int, without: Collection[str] = ()
) -> list[Chain]:
    """Chains whose workflow nobody is known to have started, oldest first; without steps, and
    without those of some calls."""
    found = (
        select(after_call)
        .where(after_call.c.started_at.is_(None), after_call.c.created_at <= before)
        .order_by(after_call.c.created_at)
        .limit(limit)
    )
    if without:
        found = found.where(after_call.c.call_id.not_in(without))
    return [_chain(row, ()) for row in s.connection().execute(found).mappings()]


def unfinished(
    s: Session, *, before: datetime, limit: int, after: Chain | None = None
) -> list[Chain]:
    """Chains that are under way since an instant, the longest first; without steps."""
    found = (
        select(after_call)
        .where(
            is_unfinished,
            after_call.c.started_at.is_not(None),
            after_call.c.started_at <= before,
        )
        .order_by(after_call.c.started_at, after_call.c.call_id)
        .limit(limit)
    )
    if after is not None:
        # The first condition alone lets the index be used by both databases.
        found = found.where(
            after_call.c.started_at >= after.started_at,
            or_(after_call.c.started_at > after.started_at, after_call.c.call_id > after.call_id),
        )
    return [_chain(row, ()) for row in s.connection().execute(found).mappings()]


def mark_unstarted(s: Session, call_id: str, run: int) -> None:
    """Its workflow is gone: it is to be started once more, by whoever starts chains."""
    s.connection().execute(
        update(after_call)
        .where(after_call.c.call_id == call_id, after_call.c.run == run, is_unfinished)
        .values(started_at=None)
    )


def mark_started(s: Session, call_ids: Sequence[str], *, now: datetime) -> None:
    s.connection().execute(
        update(after_call)
        .where(after_call.c.call_id.in_(call_ids), after_call.c.started_at.is_(None))
        .values(started_at=now)
    )


def get_chain(s: Session, call_id: str) -> Chain | None:
    row = s.connection().execute(select(after_call).where(after_call.c.call_id == call_id))
    found = row.mappings().first()
    return None if found is None else _chain(found, _steps(s, call_id))


def list_chains(
    s: Session, campaign_id: int, *, state: StepState | None = None, limit: int = 1000
) -> list[Chain]:
    """Chains of a campaign, newest first; with a state, those that have a step in it."""
    found = select(after_call).where(after_call.c.campaign_id == campaign_id)
    if state is not None:
        having = select(after_call_step.c.call_id).where(after_call_step.c.state == state.value)
        found = found.where(after_call.c.call_id.in_(having))
    found = found.order_by(after_call.c.created_at.desc(), after_call.c.call_id).limit(limit)
    rows = s.connection().execute(found).mappings().all()
    return [_chain(row, _steps(s, row["call_id"])) for row in rows]


def record_step(
    s: Session,
    step: Step,
    state: StepState,
    *,
    note: str | None,
    result: dict[str, Any] | None,
    now: datetime,
) -> None:
    s.connection().execute(
        update(after_call_step)
        .where(
            after_call_step.c.call_id == step.call_id,
            after_call_step.c.position == step.position,
            after_call_step.c.generation == step.generation,
        )
        .values(state=state.value, note=note, result=result, updated_at=now)
    )


def finish_chain(s: Session, call_id: str, run: int, *, error: str | None, now: datetime) -> None:
    state = ChainState.DONE if error is None else ChainState.FAILED
    s.connection().execute(
        update(after_call)
        .where(
            after_call.c.call_id == call_id,
            after_call.c.run == run,
            after_call.c.state == ChainState.PENDING.value,
        )
        .values(state=state.value, error=error, ended_at=now)
    )


def replay_chain(s: Session, call_id: str, *, now: datetime) -> Chain | None:
    """Make a failed chain start anew from what was not done; None when it has not failed."""
    found = lock_rows(
        select(after_call).where(after_call.c.call_id == call_id), exclusive=[after_call]
    )
    row = s.connection().execute(found).mappings().first()
    if row is None:
        raise UnknownCall(call_id)
    if row["state"] != ChainState.FAILED:
        return None
    s.connection().execute(
        update(after_call_step)
        .where(after_call_step.c.call_id == call_id, after_call_step.c.state.in_(_REPLAYED))
        .values(
            state=StepState.PENDING.value,
            # What was undone is another wish; what failed may have arrived, and is the same one.
            generation=after_call_step.c.generation
            + case((after_call_step.c.state == StepState.UNDONE.value, 1), else_=0),
            updated_at=now,
        )
    )
    s.connection().execute(
        update(after_call)
        .where(after_call.c.call_id == call_id)
        .values(
            state=ChainState.PENDING.value,
            run=row["run"] + 1,
            error=None,
            started_at=None,
            ended_at=None,
            created_at=now,
        )
    )
    return get_chain(s, call_id)


def context_of(s: Session, call_id: str, position: int) -> StepContext:
    """Everything about one step. Raises UnknownCall."""
    known = get_call(s, call_id)
    steps = _steps(s, call_id)
    step = next((step for step in steps if step.position == position), None)
    if known is None or step is None:
        raise UnknownCall(call_id)
    found = (
        select(
            recipient.c.phone,
            recipient.c.alternate_phones,
            recipient.c.zones,
            recipient.c.variables,
            recipient.c.plan,
            campaign.c.plan.label("campaign_plan"),
        )
        .join_from(recipient, campaign, campaign.c.id == recipient.c.campaign_id)
        .where(recipient.c.id == known.recipient_id)
    )
    row = s.connection().execute(found).mappings().one()
    return StepContext(
        step=step,
        call=known,
        plan=read_plan(row["plan"] or row["campaign_plan"]),
        # It may be another number's turn by now, which is not among the alternates then.
        phones=tuple(dict.fromkeys([known.to, row["phone"], *row["alternate_phones"]])),
        zones=read_zones(row["zones"]).candidates,
        variables=row["variables"],
        earlier=tuple(step for step in steps if step.position < position),
    )


def _steps(s: Session, call_id: str) -> tuple[Step, ...]:
    found = (
        select(after_call_step)
        .where(after_call_step.c.call_id == call_id)
        .order_by(after_call_step.c.position)
    )
    return tuple(_step(row) for row in s.connection().execute(found).mappings())


def _step(row: RowMapping) -> Step:
    text = row["callback"]
    return Step(
        call_id=row["call_id"],
        position=row["position"],
        kind=row["kind"],
        callback=Callback.model_validate_json(text) if text else None,
        state=row["state"],
        generation=row["generation"],
        note=row["note"],
        result=row["result"],
    )


def _chain(row: RowMapping, steps: tuple[Step, ...]) -> Chain:
    return Chain(**{name: row[name] for name in _CHAIN}, steps=steps)
