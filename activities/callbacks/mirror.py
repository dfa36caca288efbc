"""Keeps a shared calendar equal to our tables: read before a change, written after it, and never
overwritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from activities.callbacks.outcome import not_yet
from outdial.calendars.port import CalendarBackend, Calendars, CalendarUnavailable
from outdial.domain.appointment.appointment import Appointment
from outdial.domain.appointment.availability import others_of
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments import lookup
from outdial.store.db.database import Database

_DAY = timedelta(days=1)
"""Read on both sides too, for appointments that reach across."""


class Mirror:
    """One tenant's shared calendars."""

    def __init__(
        self, database: Database, calendars: Calendars, tenant: str, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._calendars = calendars
        self._tenant = tenant
        self._clock = clock

    async def others(
        self, rules: CalendarRules, start: datetime, end: datetime, *, but: str | None = None
    ) -> dict[int, int]:
        """Other people's appointments by tick, between two instants and a day around them."""
        backend = self._calendars[rules.name]
        if not backend.shared:
            return {}
        try:
            entries = await backend.busy(start - _DAY, end + _DAY)
        except CalendarUnavailable as error:
            raise not_yet(f"the calendar cannot be read: {error}") from None
        ours = await self._database.read(
            lambda s: lookup.uids(s, self._tenant, rules.name, start - 2 * _DAY)
        )
        return others_of(
            (entry.starts_at, entry.ends_at)
            for entry in entries
            if entry.uid not in ours and entry.uid != but
        )

    async def is_as_recorded(self, rules: CalendarRules, appointment: Appointment) -> bool:
        """Whether the shared calendar has an appointment as we know it, or never had it."""
        backend = self._calendars[rules.name]
        if not backend.shared:
            return True
        try:
            entry = await backend.read(appointment.uid)
        except CalendarUnavailable as error:
            raise not_yet(f"the calendar cannot be read: {error}") from None
        if appointment.mirrored is not None and appointment.mirrored < appointment.sequence:
            return True  # a change of ours is under way; writing it compares by itself
        if entry is None:
            return appointment.mirrored is None
        if appointment.mirrored is not None:
            return entry.etag == appointment.etag
        if entry.starts_at != appointment.starts_at:
            return False
        await self._record(appointment, entry.etag)
        return True

    async def write(self, appointment: Appointment) -> None:
        """Write an appointment as it is now. Raises CalendarConflict."""
        backend = self._calendars[appointment.calendar]
        if not backend.shared or appointment.mirrored == appointment.sequence:
            return
        fresh = await self._fresh(appointment)
        await self._record(fresh, await self._put(backend, fresh))

    async def _put(self, backend: CalendarBackend, appointment: Appointment) -> str | None:
        try:
            if appointment.status.stands:
                return await backend.write(appointment)
            await backend.remove(appointment)
        except CalendarUnavailable as error:
            raise not_yet(f"the calendar cannot be written: {error}") from None
        return None

    async def _fresh(self, appointment: Appointment) -> Appointment:
        """The appointment with its latest recorded ETag."""
        stored = await self._database.read(lambda s: lookup.by_id(s, appointment.id))
        return stored or appointment

    async def _record(self, appointment: Appointment, etag: str | None) -> None:
        await self._database.write(
            lambda s: lookup.record_mirrored(s, appointment.id, appointment.sequence, etag)
        )
