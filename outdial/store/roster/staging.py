"""Staging: a launch, or an addition to one, is written in short transactions under a launch number
that nothing reads, and becomes visible, or is removed, as a whole.

Whoever writes it shows every few seconds that it is still at work. One that was not heard of for
a while is given up by the next launch of that name, or by the maintenance loop, and its writer can
write no more: every transaction of a staging checks that it has not ended.

Locked in this order: the staging, the campaign's name, its claim state, the campaign, its roster.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, and_, delete, exists, insert, or_, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import CampaignRecord, StagingKind, StagingRecord, StagingState
from outdial.store.campaign.campaigns import (
    create_unlaunched,
    lock_campaign,
    require_launchable,
)
from outdial.store.db.bulk import among
from outdial.store.db.dialect import insert_into, lock_keys, lock_rows
from outdial.store.db.errors import CampaignEnded, StagingEnded
from outdial.store.db.tables import (
    campaign,
    claim_state,
    is_unfinished_staging,
    progress_count,
    recipient,
    roster_chunk,
    staging,
)

ABANDONED_AFTER = timedelta(seconds=30)
"""Without a sign of life for so long, the process that wrote it has died."""
REMOVED_AT_ONCE = 1000
INTERRUPTED = "the process that wrote its recipients ended before all were written; send it again"
INTERRUPTED_CODE = "staging_interrupted"
CANCELED = "canceled before all recipients were written"
CANCELED_CODE = "canceled"
SUPERSEDED = "a later try took its place"
SUPERSEDED_CODE = "superseded"
_REASONS = {
    CANCELED_CODE: "it was canceled; nothing of it is kept",
    INTERRUPTED_CODE: "it showed no sign of life for so long that another process gave it up; "
    "nothing of it is kept, send it again",
    SUPERSEDED_CODE: "a later try took its place; nothing of this one is kept",
}
"""What its writer is told, by the code it was refused with."""
_ROW_LAUNCHES = 2**31
_FIELDS = tuple(StagingRecord.model_fields)
_STAGING = StagingState.STAGING.value

without_problems = [staging.c[name] for name in _FIELDS if name != "problems"]
"""What work on a staging reads of it: its problems can take a megabyte."""


def staging_record(row: RowMapping) -> StagingRecord:
    return StagingRecord.model_validate({name: row[name] for name in _FIELDS if name in row})


def find_staging(s: Session, tenant: str, public_id: str) -> StagingRecord | None:
    """A launch or an addition by its public id: how far it is, or how it ended."""
    query = select(staging).where(staging.c.public_id == public_id, staging.c.tenant == tenant)
    row = s.connection().execute(query).mappings().first()
    return None if row is None else staging_record(row)


def recorded_among(s: Session, public_ids: Sequence[str]) -> set[str]:
    """Which of these public ids launches and additions have."""
    query = select(staging.c.public_id).where(among(staging.c.public_id, "ids"))
    return set(s.connection().execute(query, {"ids": list(public_ids)}).scalars())


def abandoned(s: Session, now: datetime) -> list[StagingRecord]:
    """All whose rows are left to whoever comes next, in all tenants, the oldest first."""
    query = (
        select(*without_problems)
        .where(
            is_unfinished_staging,
            or_(
                staging.c.state == StagingState.REFUSED.value,
                staging.c.updated_at <= now - ABANDONED_AFTER,
            ),
        )
        .order_by(staging.c.id)
    )
    return [staging_record(row) for row in s.connection().execute(query).mappings()]


def is_abandoned(record: StagingRecord, now: datetime) -> bool:
    """Whether it is one of `abandoned`."""
    if not record.unfinished:
        return False
    return record.state is StagingState.REFUSED or record.updated_at <= now - ABANDONED_AFTER


def has_other_additions(s: Session, of: StagingRecord) -> bool:
    """Whether other recipients are being written for the campaign of an addition, or moved."""
    rows_left = exists().where(
        recipient.c.campaign_id == staging.c.campaign_id,
        recipient.c.launch == staging.c.row_launch,
    )
    others = select(staging.c.id).where(
        staging.c.campaign_id == of.campaign_id,
        is_unfinished_staging,
        staging.c.id != of.id,
        staging.c.kind == StagingKind.ADDITION.value,
        or_(
            staging.c.state == _STAGING,
            and_(staging.c.state == StagingState.MOVING.value, rows_left),
        ),
    )
    return s.connection().execute(others.limit(1)).first() is not None


# --- begin --------------------------------------------------------------------------------------


def begin_launch(
    s: Session,
    tenant: str,
    definition: CampaignDefinition,
    public_id: str,
    *,
    now: datetime,
    again: bool,
    requester: str | None = None,
) -> StagingRecord:
    """Begin to write the recipients of a campaign's next launch. Nothing that is launched changes.

    If another launch of that name is being written, or removed, it is returned instead: one at a
    time. Raises ReservedName, CampaignRunning, CampaignEnded, PurposeChanged.
    """
    record = require_launchable(s, tenant, definition, again=again, requester=requester)
    query = select(*without_problems).where(
        staging.c.tenant == tenant,
        staging.c.campaign == definition.name,
        staging.c.kind == StagingKind.LAUNCH.value,
        is_unfinished_staging,
    )
    competing = s.connection().execute(query).mappings().first()
    if competing is not None:
        return staging_record(competing)
    record = record or create_unlaunched(s, tenant, definition, now)
    values = _begun(record, public_id, StagingKind.LAUNCH, now)
    values |= {"launch": record.launch + 1, "row_launch": record.launch + 1, "requester": requester}
    inserted = s.connection().execute(insert(staging).values(values).returning(*without_problems))
    return staging_record(inserted.mappings().one())


def begin_addition(
    s: Session, campaign_id: int, public_id: str, *, now: datetime, merges: bool = False
) -> StagingRecord:
    """Begin to write more recipients for a campaign's present launch; with `merges`, all those of a
    revision, who may be on its roster already.

    Raises UnknownCampaign, CampaignEnded when the campaign is over or stopping, and StagingEnded
    when there is one with this public id, such as that of `forestall_addition`.
    """
    record = lock_campaign(s, campaign_id)
    require_open(record, record.launch)
    values = _begun(record, public_id, StagingKind.ADDITION, now)
    values |= {"launch": record.launch, "row_launch": 0, "merges": merges}
    begun = _insert_addition(s, values)
    if begun is None:
        raise StagingEnded(record.name, _REASONS[SUPERSEDED_CODE])
    row_launch = row_launch_of(begun.id)
    s.connection().execute(
        update(staging).where(staging.c.id == begun.id).values(row_launch=row_launch)
    )
    return begun.model_copy(update={"row_launch": row_launch})


def row_launch_of(staging_id: int) -> int:
    """The launch number that the recipients of an addition carry: negative, as no launch's is.

    It fits into 32 bits whatever the id, which every small addition takes one of. Two additions
    have the same number if 2^31 others came between them: the first has ended long before.
    """
    return -1 - (staging_id - 1) % _ROW_LAUNCHES


def forestall_addition(
    s: Session, record: CampaignRecord, public_id: str, *, now: datetime
) -> bool:
    """Keep an addition with this public id from ever beginning; False if it has begun."""
    values = _begun(record, public_id, StagingKind.ADDITION, now) | {
        "launch": record.launch,
        "row_launch": 0,
        "state": StagingState.REFUSED.value,
        "unfinished": False,
        "error": SUPERSEDED,
        "error_code": SUPERSEDED_CODE,
        "ended_at": now,
    }
    return _insert_addition(s, values) is not None


def require_open(record: CampaignRecord, launch: int) -> None:
    """Raises CampaignEnded unless recipients may be added to this launch."""
    if record.launch != launch or record.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
        raise CampaignEnded(record)


def _begun(
    record: CampaignRecord, public_id: str, kind: StagingKind, now: datetime
) -> dict[str, Any]:
    return {
        "public_id": public_id,
        "tenant": record.tenant,
        "campaign": record.name,
        "kind": kind.value,
        "state": _STAGING,
        "unfinished": True,
        "campaign_id": record.id,
        "rows_read": 0,
        "recipients": 0,
        "problem_count": 0,
        "problems": [],
        "started_at": now,
        "updated_at": now,
    }


def _insert_addition(s: Session, values: dict[str, Any]) -> StagingRecord | None:
    """None if there is one with its public id."""
    inserted = s.connection().execute(
        insert_into(s, staging)
        .values(values)
        .on_conflict_do_nothing(index_elements=["public_id"])
        .returning(*without_problems)
    )
    row = inserted.mappings().first()
    return None if row is None else staging_record(row)


# --- end ----------------------------------------------------------------------------------------


def lock_staging(s: Session, of: StagingRecord, state: StagingState) -> StagingRecord:
    """Lock it until the transaction ends. Raises StagingEnded unless it is in that state."""
    query = select(*without_problems).where(staging.c.id == of.id)
    row = s.connection().execute(lock_rows(query, exclusive=[staging])).mappings().first()
    if row is None or row["state"] != state.value:
        raise _ended(of, None if row is None else row["error_code"])
    return staging_record(row)


def ended(s: Session, of: StagingRecord) -> StagingEnded:
    """The error for one that is written to after it has ended; it says why it has."""
    query = select(staging.c.error_code).where(staging.c.id == of.id)
    return _ended(of, s.connection().execute(query).scalar_one_or_none())


def _ended(of: StagingRecord, code: str | None) -> StagingEnded:
    return StagingEnded(of.campaign, _REASONS.get(code or "", "it has ended already"))


def note_removed_to(s: Session, of: StagingRecord, position: int | None, *, now: datetime) -> None:
    """Note from which position on recipients are still to be removed; None: all have been."""
    _change(s, of, {"remove_from": position, "updated_at": now})


def end_staging(s: Session, of: StagingRecord, *, now: datetime) -> None:
    """Mark that its recipients are those of the launch."""
    done = {"state": StagingState.DONE.value, "unfinished": False}
    _change(s, of, done | {"updated_at": now, "ended_at": now})


def refuse(
    s: Session,
    of: StagingRecord,
    *,
    now: datetime,
    error: str | None = None,
    code: str | None = None,
    idle_since: datetime | None = None,
) -> bool:
    """Give it up, unless it has ended: nothing more is written, and `remove_some` removes what is.

    Whether it was given up. With `idle_since`, only if its writer was not heard of since then.
    """
    values = {
        "state": StagingState.REFUSED.value,
        "error": error,
        "error_code": code,
        "updated_at": now,
    }
    statement = update(staging).where(staging.c.id == of.id, staging.c.state == _STAGING)
    if idle_since is not None:
        statement = statement.where(staging.c.updated_at <= idle_since)
    return bool(s.connection().execute(statement.values(values)).rowcount)


def remove_some(
    s: Session, of: StagingRecord, *, now: datetime, limit: int = REMOVED_AT_ONCE
) -> bool:
    """Remove recipients of one that was refused; whether there may be more of them.

    With the last of them goes the row of a campaign that was never launched.
    """
    try:
        refused = lock_staging(s, of, StagingState.REFUSED)
    except StagingEnded:
        return False
    if not refused.unfinished:
        return False
    lock_keys(s, [f"campaign/{of.tenant}/{of.campaign}"])
    here = recipient.c.campaign_id == of.campaign_id, recipient.c.launch == of.row_launch
    some = select(recipient.c.id).where(*here).order_by(recipient.c.position).limit(limit)
    removed = s.connection().execute(delete(recipient).where(recipient.c.id.in_(some)))
    if removed.rowcount >= limit:
        return True
    s.connection().execute(
        delete(roster_chunk).where(
            roster_chunk.c.campaign_id == of.campaign_id, roster_chunk.c.launch == of.row_launch
        )
    )
    forget_counts(s, of)
    values: dict[str, Any] = {"unfinished": False, "updated_at": now, "ended_at": now}
    if of.campaign_id is not None and _forget_unlaunched(s, of.campaign_id):
        values["campaign_id"] = None
    _change(s, of, values)
    return False


def forget_counts(s: Session, of: StagingRecord) -> None:
    """Delete the counts of a launch number that no recipient has any more."""
    s.connection().execute(
        delete(progress_count).where(
            progress_count.c.campaign_id == of.campaign_id,
            progress_count.c.launch == of.row_launch,
        )
    )


def _forget_unlaunched(s: Session, campaign_id: int) -> bool:
    never = select(campaign.c.id).where(campaign.c.id == campaign_id, campaign.c.launch == 0)
    if s.connection().execute(never).first() is None:
        return False
    s.connection().execute(delete(claim_state).where(claim_state.c.campaign_id == campaign_id))
    s.connection().execute(delete(campaign).where(campaign.c.id == campaign_id))
    return True


def delete_ended(s: Session, *, before: datetime, limit: int) -> int:
    """Delete records that ended before an instant, with the problems in them; how many."""
    some = (
        select(staging.c.id)
        .where(staging.c.started_at < before, staging.c.ended_at < before)
        .order_by(staging.c.started_at)
        .limit(limit)
    )
    return s.connection().execute(delete(staging).where(staging.c.id.in_(some))).rowcount


def _change(s: Session, of: StagingRecord, values: dict[str, Any]) -> None:
    s.connection().execute(update(staging).where(staging.c.id == of.id).values(values))
