"""Callbacks that book, move, cancel and confirm appointments.

The slot is taken in our tables first, and written to the shared calendar then. What cannot be done
as the person asked becomes a follow-up with alternatives, never another appointment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from activities.callbacks.mirror import Mirror
from activities.callbacks.outcome import CallbackOutcome, done, follow_up, refused
from outdial.calendars.port import CalendarConflict
from outdial.domain.appointment.appointment import Appointment, Change, Made, NotMade, Party
from outdial.domain.appointment.availability import alternatives
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.appointment.requested_time import RequestedTime, UnclearTime, read_time
from outdial.domain.call.callback_effects import APPOINTMENT_AT
from outdial.domain.call.callback_run import CallbackContext
from outdial.domain.definition.callbacks import CallbackKind
from outdial.domain.definition.matching import value_at
from outdial.intake.templates.callbacks import RenderFailed, render_text
from outdial.store.appointments import booking, changing, lookup
from outdial.store.appointments.history import change_of_call
from outdial.store.appointments.slots import read_everything_taken
from outdial.store.db.database import Database

Answer = Made | NotMade
Work = Callable[[Session], Answer]
CHANGED_BY_OTHERS = "somebody else changed the appointment in the calendar"


class AppointmentCallback:
    """Carries out one entry, or undoes it."""

    def __init__(
        self, database: Database, mirror: Mirror, context: CallbackContext, now: datetime
    ) -> None:
        calendar = context.plan.calendar
        if calendar is None:
            raise refused("the campaign has no calendar any more; write one under calendar")
        self._database = database
        self._mirror = mirror
        self._context = context
        self._now = now
        self._rules: CalendarRules = calendar
        self._key = context.entry.key

    async def run(self) -> CallbackOutcome:
        kind = self._context.entry.kind
        if kind == CallbackKind.BOOK_APPOINTMENT:
            return await self._book()
        appointment, before = await self._current()
        if appointment is None:
            return follow_up("no appointment of this person is known")
        if before is not None:  # the agent did it during the call
            return await self._finish(Made(appointment, changed=False))
        if not await self._mirror.is_as_recorded(self._rules, appointment):
            return follow_up(CHANGED_BY_OTHERS)
        if kind == CallbackKind.MOVE_APPOINTMENT:
            return await self._move(appointment)
        call_id = self._context.call.id
        change = changing.cancel if kind == CallbackKind.CANCEL_APPOINTMENT else changing.confirm
        answer = await self._decide(
            lambda s: change(s, appointment.id, key=self._key, now=self._now, call_id=call_id)
        )
        return await self._finish(answer)

    async def undo(self) -> CallbackOutcome:
        tenant, undo_key = self._context.call.tenant, f"{self._key}/undo"
        answer = await self._decide(
            lambda s: changing.undo(
                s, tenant, self._rules, self._key, undo_key=undo_key, now=self._now
            )
        )
        if isinstance(answer, NotMade):
            raise refused(answer.reason)
        await self._mirror.write(answer.appointment)
        return done("undone")

    async def _book(self) -> CallbackOutcome:
        call_id, name = self._context.call.id, self._rules.name
        made = await self._database.read(lambda s: lookup.booked_by_call(s, call_id, name))
        if made is not None:  # by the agent during the call, or by a try whose answer was lost
            return await self._finish(Made(made, changed=False))
        requested = self._requested_time()
        if isinstance(requested, UnclearTime):
            near = requested.candidates[0] if requested.candidates else self._now
            return await self._alternatives(requested.reason, near)
        start = requested.at
        others = await self._mirror.others(self._rules, start, start)
        answer = await self._decide(
            lambda s: booking.book(
                s,
                self._party(),
                self._rules,
                start,
                key=self._key,
                now=self._now,
                others=others,
            )
        )
        return await self._finish(answer)

    async def _move(self, appointment: Appointment) -> CallbackOutcome:
        requested = self._requested_time()
        if isinstance(requested, UnclearTime):
            near = requested.candidates[0] if requested.candidates else self._now
            return await self._alternatives(requested.reason, near)
        start = requested.at
        others = await self._mirror.others(self._rules, start, start, but=appointment.uid)
        answer = await self._decide(
            lambda s: changing.move(
                s,
                appointment.id,
                self._rules,
                start,
                key=self._key,
                now=self._now,
                call_id=self._context.call.id,
                others=others,
            )
        )
        return await self._finish(answer)

    async def _decide(self, work: Work) -> Answer:
        return await self._database.write(work)

    async def _finish(self, answer: Answer) -> CallbackOutcome:
        """Write it to the shared calendar, where changes of others are not overwritten."""
        if isinstance(answer, NotMade):
            requested = self._requested_time()
            near = requested.at if isinstance(requested, RequestedTime) else self._now
            return await self._alternatives(answer.reason, near)
        try:
            await self._mirror.write(answer.appointment)
        except CalendarConflict:
            await self._take_back()
            return follow_up(CHANGED_BY_OTHERS)
        made = answer.appointment
        return done(made.status.value, appointment=made.id, starts_at=made.starts_at.isoformat())

    async def _take_back(self) -> None:
        """Undo what this entry did; what the agent did during the call stays."""
        tenant, key = self._context.call.tenant, self._key
        await self._decide(
            lambda s: changing.undo(
                s, tenant, self._rules, key, undo_key=f"{key}/conflict", now=self._now
            )
        )

    async def _current(self) -> tuple[Appointment | None, Change | None]:
        """The person's appointment, and the change that this call has made to it already."""
        context, kind = self._context, self._context.entry.kind
        change = _CHANGES[kind]

        def work(s: Session) -> tuple[Appointment | None, Change | None]:
            changed = change_of_call(s, context.call.id, self._rules.name, change)
            if changed is not None:
                return changed, change
            appointment = lookup.next_of_person(
                s,
                context.call.tenant,
                self._rules.name,
                list(context.phones),
                self._now,
                context.call.recipient_id,
            )
            return appointment, None

        return await self._database.read(work)

    def _requested_time(self) -> RequestedTime | UnclearTime:
        callback = self._context.entry.callback
        path = (callback.at if callback is not None else None) or APPOINTMENT_AT
        return read_time(value_at(self._context.call.structured, path), self._context.zones)

    async def _alternatives(self, reason: str, near: datetime) -> CallbackOutcome:
        """A follow-up with free times near one, other people's appointments considered."""
        tenant, rules, now = self._context.call.tenant, self._rules, self._now
        others = await self._mirror.others(rules, now, now + rules.horizon)
        taken = await self._database.read(
            lambda s: read_everything_taken(s, tenant, rules, now, others=others)
        )
        offered = alternatives(rules, taken, near, now)
        return follow_up(reason, alternatives=[instant.isoformat() for instant in offered])

    def _party(self) -> Party:
        call = self._context.call
        try:
            title = render_text(self._rules.title, {**self._context.variables, "phone": call.to})
        except RenderFailed as error:
            raise refused(f"the calendar's title failed: {error}") from None
        return Party(
            tenant=call.tenant,
            phone=call.to,
            recipient_id=call.recipient_id,
            call_id=call.id,
            title=title,
        )


_CHANGES = {
    CallbackKind.MOVE_APPOINTMENT.value: Change.MOVED,
    CallbackKind.CANCEL_APPOINTMENT.value: Change.CANCELED,
    CallbackKind.CONFIRM_APPOINTMENT.value: Change.CONFIRMED,
}
