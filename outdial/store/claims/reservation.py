"""The claim: whom to call now, within every limit, in one short transaction.

Locked in this order, by everybody: the campaign's cursor (so claims of one campaign queue up),
lines by name, numbers by hash. What they guard is read after they are locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter

from sqlalchemy import RowMapping
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, Claim, ClaimedCall
from outdial.domain.endpoint import EventType
from outdial.domain.record import CampaignRecord, Settled
from outdial.store.call.settlement import settle_overdue
from outdial.store.claims.candidates import EndedRecipient
from outdial.store.claims.cursor import lock_cursor, move_cursor
from outdial.store.claims.limits import Room, campaign_room
from outdial.store.claims.promotion import Look, look_at_due
from outdial.store.claims.rows import claimed_before, claimed_call
from outdial.store.claims.standing import Standing, hold_standing
from outdial.store.claims.taking import SLACK, Taking, take
from outdial.store.claims.waiting import Pause, count_open, earliest, next_due, next_settlement
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.roster.everybody import close_some, decide_some_anew
from outdial.store.webhooks.outbox import tell_requests

MAX_CALLS = 200
MAX_DECISIONS = 500
OVERDUE = 100
"""Calls settled in one claim without their analysis; more are left to the next one."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A claim, and what else its transaction decided, for whoever has to tell it."""

    claim: Claim
    settled: tuple[Settled, ...] = ()
    ended: tuple[EndedRecipient, ...] = ()


def claim_calls(
    s: Session, campaign_id: int, key: str, *, now: datetime, limit: int = MAX_CALLS
) -> Claim:
    """Claim up to `limit` calls; the same key again gives the same calls. See `reserve`."""
    return reserve(s, campaign_id, key, now=now, limit=limit).claim


def reserve(
    s: Session, campaign_id: int, key: str, *, now: datetime, limit: int = MAX_CALLS
) -> Reservation:
    """Settle what is overdue, look at who is due, and claim calls for who is ready.

    Raises UnknownCampaign.
    """
    cursor = lock_cursor(s, campaign_id)
    standing = hold_standing(s, campaign_id, key)
    record, in_flight = standing.record, standing.in_flight
    if standing.claimed:
        # What this key would find now is left to the next one, at once.
        again = claimed_before(s, campaign_id, key)
        pause = Pause("claimed before", now)
        return Reservation(_claim(s, cursor, record, again, pause, in_flight, now))
    settled, standing = _settle(s, standing, now)
    if record.state is not CampaignState.RUNNING:
        pause = _rest(s, standing, now)
        claim = _claim(s, cursor, record, (), pause, in_flight, now)
        return Reservation(claim, tuple(settled))
    pause, look, taking = _call(s, cursor, standing, key, limit, now)
    ended = (*look.ended, *taking.ended)
    over = [one.recipient_id for one in ended]
    tell_requests(s, record, over, EventType.CALL_FAILED, now=now)
    calls = [claimed_call(call) for call in sorted(taking.calls, key=itemgetter("id"))]
    claim = _claim(s, cursor, record, calls, pause, in_flight + len(calls), now)
    return Reservation(claim, tuple(settled), ended)


def _settle(s: Session, standing: Standing, now: datetime) -> tuple[list[Settled], Standing]:
    """What was overdue, and where the campaign stands then."""
    if standing.settles_at is None or standing.settles_at > now:
        return [], standing
    campaign_id = standing.record.id
    settled = settle_overdue(s, campaign_id, now=now, limit=OVERDUE)
    return settled, replace(standing, settles_at=next_settlement(s, campaign_id))


def _call(
    s: Session,
    cursor: RowMapping,
    standing: Standing,
    key: str,
    limit: int,
    now: datetime,
) -> tuple[Pause, Look, Taking]:
    """Look at people and take calls, as far as the campaign itself has room."""
    record, in_flight = standing.record, standing.in_flight
    anew_from = cursor["anew_from"]
    if anew_from is not None:
        anew_from = decide_some_anew(s, record, anew_from)
        move_cursor(s, record.id, anew_from=anew_from)
    limit = min(limit, MAX_CALLS)
    room = campaign_room(s, record, in_flight, limit, now)
    look, taking = Look(), Taking()
    if room.free > 0:
        at_most = MAX_DECISIONS - room.free - SLACK
        rulebook = read_rulebook(s, record.tenant, now)
        look = look_at_due(s, record, rulebook, wanted=room.free, at_most=at_most, now=now)
        turn = cursor["caller_turn"]
        taking = take(s, record, rulebook, key, room.free, turn, look.fresh, now)
        if len(taking.calls) == room.free:
            room = campaign_room(s, record, in_flight + len(taking.calls), limit, now)
    pause = _pause(s, standing, room, look, taking, now)
    if anew_from is not None:
        pause = Pause("everybody is decided anew", now)
    return pause, look, taking


def _rest(s: Session, standing: Standing, now: datetime) -> Pause:
    """What a campaign that does not run waits for."""
    record = standing.record
    if record.state is CampaignState.STOPPING and close_some(s, record):
        return Pause("those who wait are ended", now)
    return Pause(record.reason or record.state.value, standing.settles_at)


def _claim(
    s: Session,
    cursor: RowMapping,
    record: CampaignRecord,
    calls: Sequence[ClaimedCall],
    pause: Pause,
    in_flight: int,
    now: datetime,
) -> Claim:
    """The answer, noted in the campaign's cursor too, for progress."""
    known = cursor["open_count"], cursor["counted_at"]
    open_count, counted_at = count_open(s, record, known, now, called=bool(calls))
    move_cursor(
        s,
        record.id,
        caller_turn=cursor["caller_turn"] + len(calls),
        wake_at=pause.until,
        reason=pause.reason,
        open_count=open_count,
        counted_at=counted_at,
    )
    return Claim(
        state=record.state,
        revision=record.revision,
        calls=tuple(calls),
        in_flight=in_flight,
        open_recipients=open_count,
        wake_at=pause.until,
        wake_after=None if pause.until is None else max(timedelta(0), pause.until - now),
        reason=pause.reason,
    )


def _pause(
    s: Session, standing: Standing, room: Room, look: Look, taking: Taking, now: datetime
) -> Pause:
    """The earliest instant at which another claim may find something, and why it waits.

    `room` is what is left of the campaign's own after this claim.
    """
    settles_at = standing.settles_at
    if settles_at is not None and settles_at <= now:
        return Pause("more calls to settle", now)
    if room.free <= 0:
        return Pause(room.reason, earliest(room.again_at, settles_at))
    if taking.more or (taking.ran_dry and not look.everybody):
        return Pause("more people to look at", now)
    # Where not everybody due was looked at, no line has room for more of them anyway.
    due = next_due(s, standing.record, now) if look.everybody else None
    reasons = [pause for pause in (*taking.blocked, due) if pause is not None]
    until = earliest(settles_at, *(pause.until for pause in reasons))
    # Where some line has room, it is people who are waited for, before the other lines.
    told = [*reasons[-1:], *reasons[:-1]] if taking.ran_dry else reasons[:1]
    reason = "; ".join(pause.reason for pause in told[:2]) or "waiting for calls to end"
    return Pause(reason, until)
