"""Callback runs: queries, and the states of runs and their entries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, case, or_, select, update
from sqlmodel import Session

from outdial.domain.call.callback_run import (
    CallbackContext,
    CallbackEntry,
    CallbackRun,
    CallbackRunState,
    CallbackState,
)
from outdial.domain.call.plan import read_plan
from outdial.domain.definition.callbacks import Callback
from outdial.store.call.calls import get_call
from outdial.store.db.bulk import among
from outdial.store.db.dialect import lock_rows
from outdial.store.db.errors import UnknownCall
from outdial.store.db.tables import (
    call,
    callback_entry,
    callback_run,
    campaign,
    is_unfinished,
    own_plan,
    recipient,
)
from outdial.store.records import read_zones

_FIELDS = tuple(name for name in CallbackRun.model_fields if name != "entries")
_RETRIED = [
    state.value for state in (CallbackState.FAILED, CallbackState.UNDONE, CallbackState.SKIPPED)
]


@dataclass(frozen=True, slots=True)
class CalledPerson:
    """Whom a call was to."""

    phone: str
    zones: tuple[str, ...]
    """Where the person may be."""
    called_at: datetime


def unstarted(
    s: Session, *, before: datetime, limit: int, without: Collection[str] = ()
) -> list[CallbackRun]:
    """Runs whose workflow is not recorded as started, oldest first; without their entries, and
    without those of the calls `without`."""
    query = (
        select(callback_run)
        .where(callback_run.c.started_at.is_(None), callback_run.c.created_at <= before)
        .order_by(callback_run.c.created_at)
        .limit(limit)
    )
    if without:
        query = query.where(callback_run.c.call_id.not_in(without))
    return [_run(row, ()) for row in s.connection().execute(query).mappings()]


def unfinished(
    s: Session, *, before: datetime, limit: int, after: CallbackRun | None = None
) -> list[CallbackRun]:
    """Runs that were started before an instant and have not ended, oldest first; without their
    entries."""
    query = (
        select(callback_run)
        .where(
            is_unfinished,
            callback_run.c.started_at.is_not(None),
            callback_run.c.started_at <= before,
        )
        .order_by(callback_run.c.started_at, callback_run.c.call_id)
        .limit(limit)
    )
    if after is not None:
        # The first condition alone lets the index be used by both databases.
        query = query.where(
            callback_run.c.started_at >= after.started_at,
            or_(
                callback_run.c.started_at > after.started_at, callback_run.c.call_id > after.call_id
            ),
        )
    return [_run(row, ()) for row in s.connection().execute(query).mappings()]


def mark_unstarted(s: Session, call_id: str, run: int) -> None:
    """Its workflow is gone: the sweeper starts it once more."""
    s.connection().execute(
        update(callback_run)
        .where(callback_run.c.call_id == call_id, callback_run.c.run == run, is_unfinished)
        .values(started_at=None)
    )


def mark_started(s: Session, call_ids: Sequence[str], *, now: datetime) -> None:
    s.connection().execute(
        update(callback_run)
        .where(callback_run.c.call_id.in_(call_ids), callback_run.c.started_at.is_(None))
        .values(started_at=now)
    )


def get_callback_run(s: Session, call_id: str) -> CallbackRun | None:
    query = select(callback_run).where(callback_run.c.call_id == call_id)
    row = s.connection().execute(query).mappings().first()
    return None if row is None else _run(row, _entries(s, call_id))


def callback_runs_of(s: Session, call_ids: Sequence[str]) -> dict[str, CallbackRun]:
    """The callback runs of those of some calls that have one, by the calls' ids."""
    of_calls = {"ids": list(call_ids)}
    query = select(callback_run).where(among(callback_run.c.call_id, "ids"))
    rows = s.connection().execute(query, of_calls).mappings().all()
    if not rows:
        return {}
    listed = (
        select(callback_entry)
        .where(among(callback_entry.c.call_id, "ids"))
        .order_by(callback_entry.c.call_id, callback_entry.c.position)
    )
    entries: dict[str, list[CallbackEntry]] = {row["call_id"]: [] for row in rows}
    for row in s.connection().execute(listed, of_calls).mappings():
        entries[row["call_id"]].append(_entry(row))
    return {row["call_id"]: _run(row, tuple(entries[row["call_id"]])) for row in rows}


def list_callback_runs(
    s: Session, campaign_id: int, *, state: CallbackState | None = None, limit: int = 1000
) -> list[CallbackRun]:
    """Runs of a campaign, newest first; with a state, those that have an entry in it."""
    if state is None:
        query = select(callback_run).where(callback_run.c.campaign_id == campaign_id)
        place: tuple[ColumnElement[Any], ...]
        place = (callback_run.c.created_at, callback_run.c.call_id)
    else:
        place = (callback_entry.c.created_at, callback_entry.c.call_id)
        having = (
            select(*place)
            .where(callback_entry.c.campaign_id == campaign_id, callback_entry.c.state == state)
            .group_by(*place)
            .order_by(*(column.desc() for column in place))
            .limit(limit)
            .subquery()
        )
        query = select(callback_run).join_from(
            having, callback_run, callback_run.c.call_id == having.c.call_id, isouter=True
        )
        place = (having.c.created_at, having.c.call_id)
    query = query.order_by(*(column.desc() for column in place)).limit(limit)
    rows = s.connection().execute(query).mappings().all()
    return [_run(row, _entries(s, row["call_id"])) for row in rows]


def called_by(s: Session, call_ids: Sequence[str]) -> dict[str, CalledPerson]:
    """Whom the calls of some runs were to, and when they were made."""
    query = (
        select(call.c.id, call.c.phone, call.c.created_at, recipient.c.zones)
        .join_from(call, recipient, recipient.c.id == call.c.recipient_id)
        .where(among(call.c.id, "ids"))
    )
    return {
        row.id: CalledPerson(
            row.phone, () if row.zones is None else read_zones(row.zones).candidates, row.created_at
        )
        for row in s.connection().execute(query, {"ids": list(call_ids)})
    }


def record_callback(
    s: Session,
    entry: CallbackEntry,
    state: CallbackState,
    *,
    note: str | None,
    result: dict[str, Any] | None,
    now: datetime,
) -> None:
    s.connection().execute(
        update(callback_entry)
        .where(
            callback_entry.c.call_id == entry.call_id,
            callback_entry.c.position == entry.position,
            callback_entry.c.generation == entry.generation,
        )
        .values(state=state.value, note=note, result=result, updated_at=now)
    )


def finish_callback_run(
    s: Session, call_id: str, run: int, *, error: str | None, now: datetime
) -> None:
    state = CallbackRunState.DONE if error is None else CallbackRunState.FAILED
    s.connection().execute(
        update(callback_run)
        .where(
            callback_run.c.call_id == call_id,
            callback_run.c.run == run,
            callback_run.c.state == CallbackRunState.PENDING.value,
        )
        .values(state=state.value, error=error, ended_at=now)
    )


def retry_callback_run(s: Session, call_id: str, *, now: datetime) -> CallbackRun | None:
    """Make a failed run start again from what is not done; None when it has not failed."""
    query = lock_rows(
        select(callback_run).where(callback_run.c.call_id == call_id), exclusive=[callback_run]
    )
    row = s.connection().execute(query).mappings().first()
    if row is None:
        raise UnknownCall(call_id)
    if row["state"] != CallbackRunState.FAILED:
        return None
    s.connection().execute(
        update(callback_entry).where(callback_entry.c.call_id == call_id).values(created_at=now)
    )
    s.connection().execute(
        update(callback_entry)
        .where(callback_entry.c.call_id == call_id, callback_entry.c.state.in_(_RETRIED))
        .values(
            state=CallbackState.PENDING.value,
            # What was undone is done anew, under another key; what failed may have arrived.
            generation=callback_entry.c.generation
            + case((callback_entry.c.state == CallbackState.UNDONE.value, 1), else_=0),
            updated_at=now,
        )
    )
    s.connection().execute(
        update(callback_run)
        .where(callback_run.c.call_id == call_id)
        .values(
            state=CallbackRunState.PENDING.value,
            run=row["run"] + 1,
            error=None,
            started_at=None,
            ended_at=None,
            created_at=now,
        )
    )
    return get_callback_run(s, call_id)


def context_of(s: Session, call_id: str, position: int) -> CallbackContext:
    """What carrying out an entry needs. Raises UnknownCall."""
    call = get_call(s, call_id)
    entry = next((one for one in _entries(s, call_id) if one.position == position), None)
    if call is None or entry is None:
        raise UnknownCall(call_id)
    query = (
        select(
            recipient.c.phone,
            recipient.c.alternate_phones,
            recipient.c.zones,
            recipient.c.variables,
            own_plan.label("plan"),
            campaign.c.plan.label("campaign_plan"),
        )
        .join_from(recipient, campaign, campaign.c.id == recipient.c.campaign_id)
        .where(recipient.c.id == call.recipient_id)
    )
    row = s.connection().execute(query).mappings().one()
    return CallbackContext(
        entry=entry,
        call=call,
        plan=read_plan(row["plan"] or row["campaign_plan"]),
        # It may be another number's turn by now, which is not among the alternates then.
        phones=tuple(dict.fromkeys([call.to, row["phone"], *row["alternate_phones"]])),
        zones=read_zones(row["zones"]).candidates,
        variables=row["variables"],
    )


def _entries(s: Session, call_id: str) -> tuple[CallbackEntry, ...]:
    query = (
        select(callback_entry)
        .where(callback_entry.c.call_id == call_id)
        .order_by(callback_entry.c.position)
    )
    return tuple(_entry(row) for row in s.connection().execute(query).mappings())


def _entry(row: RowMapping) -> CallbackEntry:
    text = row["callback"]
    return CallbackEntry(
        call_id=row["call_id"],
        position=row["position"],
        kind=row["kind"],
        callback=Callback.model_validate_json(text) if text else None,
        state=row["state"],
        generation=row["generation"],
        note=row["note"],
        result=row["result"],
    )


def _run(row: RowMapping, entries: tuple[CallbackEntry, ...]) -> CallbackRun:
    return CallbackRun(**{name: row[name] for name in _FIELDS}, entries=entries)
