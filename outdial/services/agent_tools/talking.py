"""Each tool of an agent, within the transaction that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment, NotMade, Party
from outdial.domain.appointment.asked_time import Unclear, read_time
from outdial.domain.appointment.availability import alternatives
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.call.event import CallEvent
from outdial.domain.call.lease import lease_duration
from outdial.domain.call.status import BOOKED, CALL_ME_LATER, OPTED_OUT
from outdial.domain.call.tool_answer import Tool, no, offered, spoken, yes
from outdial.domain.instants import promised
from outdial.intake.templates.after_call import RenderFailed, render_text
from outdial.store.appointments import booking, changing, finding
from outdial.store.appointments.slots import read_everything_taken
from outdial.store.call import events
from outdial.store.callbacks.talks import Talk
from outdial.store.compliance.suppressions import suppress_all

MOVED = "moved"
AT = "at"
_SAY_WHEN = "Please say a date and a time"
_NO_CALENDAR = "Appointments can't be made in this call."


@dataclass(frozen=True, slots=True)
class Asking:
    talk: Talk
    tool: Tool
    arguments: Mapping[str, Any]
    id: str
    """The platform's, or one of our own: then each question is one of its own, and what it asks
    for is done once all the same."""
    others: Mapping[int, int]
    """Other people's appointments in a shared calendar, by tick."""
    now: datetime

    @property
    def key(self) -> str:
        return f"tool/{self.talk.call_id}/{self.id}"


def answer_asked(s: Session, asking: Asking) -> dict[str, Any]:
    if asking.tool is Tool.OPT_OUT:
        return _opt_out(s, asking)
    if asking.tool is Tool.CALL_ME_LATER:
        return _call_me_later(s, asking)
    rules = asking.talk.plan.calendar
    if rules is None:
        return no(_NO_CALENDAR)
    if asking.tool is Tool.CHECK_AVAILABILITY:
        return _check(s, asking, rules)
    start = read_time(asking.arguments.get(AT), asking.talk.locked.zones)
    if isinstance(start, Unclear):
        return offered(
            f"{_SAY_WHEN}: {start.reason}", _free(s, asking, rules, None), rules.time_zone
        )
    if asking.tool is Tool.BOOK_APPOINTMENT:
        return _book(s, asking, rules, start.at)
    return _move(s, asking, rules, start.at)


def _check(s: Session, asking: Asking, rules: CalendarRules) -> dict[str, Any]:
    """Hold what is offered first, so that it is still there when the person has said yes."""
    given = asking.arguments.get(AT)
    read = None if given in (None, "") else read_time(given, asking.talk.locked.zones)
    if isinstance(read, Unclear):
        return _unclear(s, asking, rules, read)
    if read is None:
        free = _free(s, asking, rules, None)
        if free:
            _hold(s, asking, rules, free[0])
        return offered("There is room", free, rules.time_zone) | {"ok": bool(free)}
    held = _hold(s, asking, rules, read.at)
    if isinstance(held, NotMade):
        return offered(held.reason.capitalize(), held.alternatives, rules.time_zone)
    at = spoken(read.at, rules.time_zone)
    return yes(f"{at} is free, and kept for this call.", held=read.at.isoformat())


def _unclear(s: Session, asking: Asking, rules: CalendarRules, unclear: Unclear) -> dict[str, Any]:
    free = _free(s, asking, rules, unclear.candidates[0] if unclear.candidates else None)
    return offered(f"{_SAY_WHEN}: {unclear.reason}", free, rules.time_zone)


def _hold(s: Session, asking: Asking, rules: CalendarRules, start: datetime) -> Any:
    plan = asking.talk.plan
    until = asking.now + lease_duration(plan)
    return booking.hold(
        s,
        _party(asking, rules),
        rules,
        start,
        key=f"{asking.key}/{start.isoformat()}",
        now=asking.now,
        until=until,
        others=asking.others,
    )


def _book(s: Session, asking: Asking, rules: CalendarRules, start: datetime) -> dict[str, Any]:
    party = _party(asking, rules)
    mine = finding.booked_by_call(s, asking.talk.call_id, rules.name)
    if mine is not None and mine.starts_at != start:
        return _moved(s, asking, rules, mine, start)  # they have changed their mind
    made = booking.book(
        s, party, rules, start, key=asking.key, now=asking.now, others=asking.others
    )
    if isinstance(made, NotMade):
        return offered(made.reason.capitalize(), made.alternatives, rules.time_zone)
    _tell(s, asking, BOOKED)
    return _made("Booked", made.appointment, rules)


def _move(s: Session, asking: Asking, rules: CalendarRules, start: datetime) -> dict[str, Any]:
    talk = asking.talk
    theirs = finding.of_person(
        s,
        talk.locked.call.tenant,
        rules.name,
        talk.phones,
        asking.now,
        talk.locked.call.recipient_id,
    )
    if theirs is None:
        return no("I know of no appointment to move.")
    return _moved(s, asking, rules, theirs, start)


def _moved(
    s: Session, asking: Asking, rules: CalendarRules, theirs: Appointment, start: datetime
) -> dict[str, Any]:
    made = changing.move(
        s,
        theirs.id,
        rules,
        start,
        key=asking.key,
        now=asking.now,
        call_id=asking.talk.call_id,
        others=asking.others,
    )
    if isinstance(made, NotMade):
        return offered(made.reason.capitalize(), made.alternatives, rules.time_zone)
    booked_now = theirs.call_id == asking.talk.call_id
    _tell(s, asking, BOOKED if booked_now else MOVED)
    return _made("Moved", made.appointment, rules)


def _opt_out(s: Session, asking: Asking) -> dict[str, Any]:
    """From this commit on no call to any of their numbers passes the fence."""
    talk = asking.talk
    source = f"call {talk.call_id}"
    suppress_all(
        s,
        talk.locked.call.tenant,
        talk.phones,
        "opted out in a call",
        now=asking.now,
        source=source,
    )
    _tell(s, asking, OPTED_OUT)
    return yes("This number will not be called again.")


def _call_me_later(s: Session, asking: Asking) -> dict[str, Any]:
    given = asking.arguments.get(AT)
    if given in (None, ""):
        _tell(s, asking, CALL_ME_LATER)
        return yes("We will call again another time.")
    zones = asking.talk.locked.zones
    read = read_time(given, zones)
    at = read.candidates[-1] if isinstance(read, Unclear) and read.candidates else None
    if isinstance(read, Unclear) and at is None:
        return no(f"{_SAY_WHEN}: {read.reason}.")
    at = at or (None if isinstance(read, Unclear) else read.at)
    if at is None or at <= asking.now:
        return no("That time has passed. When shall we call?")
    if promised(at, asking.now) is None:
        return no("That is more than a year ahead. When shall we call?")
    _tell(s, asking, CALL_ME_LATER, call_back_at=at)
    return yes(f"We will call again on {spoken(at, zones[0])}.", at=at.isoformat())


def _tell(
    s: Session, asking: Asking, disposition: str, *, call_back_at: datetime | None = None
) -> None:
    """What was agreed is an event of the call, as if its provider had told it."""
    told = CallEvent(
        event_id=f"{asking.key}/{disposition}",
        call_id=asking.talk.call_id,
        at=asking.now,
        disposition=disposition,
        call_back_at=call_back_at,
    )
    known = asking.talk.locked.call
    stored = events.store_events(s, known.line, [told], now=asking.now, tenant=known.tenant)
    events.mark_signalled(s, [each.event_row_id for each in stored], now=asking.now)


def _free(
    s: Session, asking: Asking, rules: CalendarRules, near: datetime | None
) -> tuple[datetime, ...]:
    tenant = asking.talk.locked.call.tenant
    taken = read_everything_taken(s, tenant, rules, asking.now, others=asking.others)
    return alternatives(rules, taken, near or asking.now, asking.now)


def _party(asking: Asking, rules: CalendarRules) -> Party:
    talk = asking.talk
    known = talk.locked.call
    try:
        title = render_text(rules.title, {**talk.variables, "phone": known.phone})
    except RenderFailed:
        title = "Appointment"
    return Party(
        tenant=known.tenant,
        phone=known.phone,
        recipient_id=known.recipient_id,
        call_id=talk.call_id,
        title=title,
    )


def _made(word: str, appointment: Appointment, rules: CalendarRules) -> dict[str, Any]:
    at = spoken(appointment.starts_at, rules.time_zone)
    return yes(
        f"{word}: {at}.",
        appointment={"id": appointment.id, "starts_at": appointment.starts_at.isoformat()},
    )
