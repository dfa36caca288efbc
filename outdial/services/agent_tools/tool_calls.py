"""Answers one tool call of an agent, within one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment, NotMade, Party
from outdial.domain.appointment.availability import alternatives
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.appointment.requested_time import UnclearTime, read_time
from outdial.domain.call.event import CallEvent
from outdial.domain.call.lease import lease_duration
from outdial.domain.call.status import BOOKED, CALL_ME_LATER, OPTED_OUT
from outdial.domain.call.tool_answer import (
    Tool,
    no,
    offer_alternatives,
    offer_other_times,
    spoken_time,
    yes,
)
from outdial.domain.instants import promised
from outdial.intake.templates.callbacks import RenderFailed, render_text
from outdial.store.appointments import booking, changing, lookup
from outdial.store.appointments.slots import read_everything_taken
from outdial.store.call import events
from outdial.store.callbacks.tool_calls import LiveCall, nearest_redials, refused_redial
from outdial.store.compliance.suppressions import suppress_all

MOVED = "moved"
AT = "at"
_SAY_WHEN = "Please say a date and a time"
_NO_CALENDAR = "Appointments can't be made in this call."


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call, with what answering it needs."""

    live: LiveCall
    tool: Tool
    arguments: Mapping[str, Any]
    id: str
    """The platform's. Where it gives none, one of our own: then a repeated tool call is answered
    anew, and what it asks for is done once all the same."""
    others: Mapping[int, int]
    """Other people's appointments in a shared calendar, by tick."""
    now: datetime

    @property
    def key(self) -> str:
        return f"tool/{self.live.call_id}/{self.id}"


def answer_tool_call(s: Session, request: ToolRequest) -> dict[str, Any]:
    """Carry the tool out; the answer says what to tell the person."""
    if request.tool is Tool.OPT_OUT:
        return _opt_out(s, request)
    if request.tool is Tool.CALL_ME_LATER:
        return _call_me_later(s, request)
    rules = request.live.plan.calendar
    if rules is None:
        return no(_NO_CALENDAR)
    if request.tool is Tool.CHECK_AVAILABILITY:
        return _check(s, request, rules)
    start = read_time(request.arguments.get(AT), request.live.locked.zones)
    if isinstance(start, UnclearTime):
        return offer_alternatives(
            f"{_SAY_WHEN}: {start.reason}", _free(s, request, rules, None), rules.time_zone
        )
    if request.tool is Tool.BOOK_APPOINTMENT:
        return _book(s, request, rules, start.at)
    return _move(s, request, rules, start.at)


def _check(s: Session, request: ToolRequest, rules: CalendarRules) -> dict[str, Any]:
    """Hold the slot that is offered first, so that it is still free when the person accepts."""
    given = request.arguments.get(AT)
    read = None if given in (None, "") else read_time(given, request.live.locked.zones)
    if isinstance(read, UnclearTime):
        return _offer_instead(s, request, rules, read)
    if read is None:
        free = _free(s, request, rules, None)
        if free:
            _hold(s, request, rules, free[0])
        return offer_alternatives("There is room", free, rules.time_zone) | {"ok": bool(free)}
    held = _hold(s, request, rules, read.at)
    if isinstance(held, NotMade):
        return offer_alternatives(held.reason.capitalize(), held.alternatives, rules.time_zone)
    at = spoken_time(read.at, rules.time_zone)
    return yes(f"{at} is free, and kept for this call.", held=read.at.isoformat())


def _offer_instead(
    s: Session, request: ToolRequest, rules: CalendarRules, unclear: UnclearTime
) -> dict[str, Any]:
    free = _free(s, request, rules, unclear.candidates[0] if unclear.candidates else None)
    return offer_alternatives(f"{_SAY_WHEN}: {unclear.reason}", free, rules.time_zone)


def _hold(s: Session, request: ToolRequest, rules: CalendarRules, start: datetime) -> Any:
    plan = request.live.plan
    until = request.now + lease_duration(plan)
    return booking.hold(
        s,
        _party(request, rules),
        rules,
        start,
        key=f"{request.key}/{start.isoformat()}",
        now=request.now,
        until=until,
        others=request.others,
    )


def _book(
    s: Session, request: ToolRequest, rules: CalendarRules, start: datetime
) -> dict[str, Any]:
    party = _party(request, rules)
    mine = lookup.booked_by_call(s, request.live.call_id, rules.name)
    if mine is not None and mine.starts_at != start:
        return _moved(s, request, rules, mine, start)  # the person chose another time
    made = booking.book(
        s, party, rules, start, key=request.key, now=request.now, others=request.others
    )
    if isinstance(made, NotMade):
        return offer_alternatives(made.reason.capitalize(), made.alternatives, rules.time_zone)
    _record(s, request, BOOKED)
    return _made("Booked", made.appointment, rules)


def _move(
    s: Session, request: ToolRequest, rules: CalendarRules, start: datetime
) -> dict[str, Any]:
    live = request.live
    theirs = lookup.next_of_person(
        s,
        live.locked.call.tenant,
        rules.name,
        live.phones,
        request.now,
        live.locked.call.recipient_id,
    )
    if theirs is None:
        return no("I know of no appointment to move.")
    return _moved(s, request, rules, theirs, start)


def _moved(
    s: Session, request: ToolRequest, rules: CalendarRules, theirs: Appointment, start: datetime
) -> dict[str, Any]:
    made = changing.move(
        s,
        theirs.id,
        rules,
        start,
        key=request.key,
        now=request.now,
        call_id=request.live.call_id,
        others=request.others,
    )
    if isinstance(made, NotMade):
        return offer_alternatives(made.reason.capitalize(), made.alternatives, rules.time_zone)
    booked_now = theirs.call_id == request.live.call_id
    _record(s, request, BOOKED if booked_now else MOVED)
    return _made("Moved", made.appointment, rules)


def _opt_out(s: Session, request: ToolRequest) -> dict[str, Any]:
    """Suppress all numbers of the recipient: from the commit on, no call to them is placed."""
    live = request.live
    source = f"call {live.call_id}"
    suppress_all(
        s,
        live.locked.call.tenant,
        live.phones,
        "opted out in a call",
        now=request.now,
        source=source,
    )
    _record(s, request, OPTED_OUT)
    return yes("This number will not be called again.")


def _call_me_later(s: Session, request: ToolRequest) -> dict[str, Any]:
    given = request.arguments.get(AT)
    if given in (None, ""):
        _record(s, request, CALL_ME_LATER)
        if refused_redial(s, request.live, None, request.now) is not None:
            return no("We may not call again.")
        return yes("We will call again another time.")
    zones = request.live.locked.zones
    read = read_time(given, zones)
    at = read.candidates[-1] if isinstance(read, UnclearTime) and read.candidates else None
    if isinstance(read, UnclearTime) and at is None:
        return no(f"{_SAY_WHEN}: {read.reason}.")
    at = at or (None if isinstance(read, UnclearTime) else read.at)
    if at is None or at <= request.now:
        return no("That time has passed. When shall we call?")
    if promised(at, request.now) is None:
        return no("That is more than a year ahead. When shall we call?")
    nearest = nearest_redials(s, request.live, at, request.now)
    if nearest is not None:
        return offer_other_times(at, nearest.times, zones[0])
    _record(s, request, CALL_ME_LATER, redial_at=at)
    return yes(f"We will call again on {spoken_time(at, zones[0])}.", at=at.isoformat())


def _record(
    s: Session, request: ToolRequest, disposition: str, *, redial_at: datetime | None = None
) -> None:
    """Record what was agreed as an event of the call, like one that its provider reports."""
    agreed = CallEvent(
        event_id=f"{request.key}/{disposition}",
        call_id=request.live.call_id,
        at=request.now,
        disposition=disposition,
        redial_at=redial_at,
    )
    call = request.live.locked.call
    stored = events.store_events(s, call.line, [agreed], now=request.now, tenant=call.tenant)
    keys = [(call.tenant, call.line, each.event_id) for each in stored.events]
    events.mark_signalled(s, keys, now=request.now)


def _free(
    s: Session, request: ToolRequest, rules: CalendarRules, near: datetime | None
) -> tuple[datetime, ...]:
    tenant = request.live.locked.call.tenant
    taken = read_everything_taken(s, tenant, rules, request.now, others=request.others)
    return alternatives(rules, taken, near or request.now, request.now)


def _party(request: ToolRequest, rules: CalendarRules) -> Party:
    live = request.live
    call = live.locked.call
    try:
        title = render_text(rules.title, {**live.variables, "phone": call.phone})
    except RenderFailed:
        title = "Appointment"
    return Party(
        tenant=call.tenant,
        phone=call.phone,
        recipient_id=call.recipient_id,
        call_id=live.call_id,
        title=title,
    )


def _made(word: str, appointment: Appointment, rules: CalendarRules) -> dict[str, Any]:
    at = spoken_time(appointment.starts_at, rules.time_zone)
    return yes(
        f"{word}: {at}.",
        appointment={"id": appointment.id, "starts_at": appointment.starts_at.isoformat()},
    )
