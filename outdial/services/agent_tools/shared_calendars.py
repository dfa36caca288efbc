"""Other people's appointments in a shared calendar, read while a person waits on the telephone.

When the calendar answers too slowly, its last answer is used, unless that is too old: then no
appointment is offered.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outdial.calendars.port import CalendarBackend, CalendarUnavailable, Entry
from outdial.domain.appointment.availability import others_of
from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.errors import OutdialError
from outdial.resources.resources import Resources
from outdial.store.appointments import lookup

ANSWER_WITHIN = timedelta(milliseconds=600)
FRESH = timedelta(seconds=15)
"""An answer is used again for so long: the booking itself is checked once more."""
USABLE = timedelta(minutes=5)
_DAY = timedelta(days=1)


class CalendarTimedOut(OutdialError):
    """It does not answer in time, and its last answer is too old."""

    code = "calendar_timed_out"


@dataclass
class SharedCalendars:
    """The last answer of each calendar; one instance in a process."""

    _read_entries: dict[str, tuple[datetime, list[Entry]]] = field(default_factory=dict)
    _requests: dict[str, asyncio.Task[list[Entry]]] = field(default_factory=dict)

    async def others(self, ctx: Resources, tenant: str, rules: CalendarRules) -> dict[int, int]:
        """Other people's appointments by tick. Raises CalendarTimedOut."""
        backend = ctx.calendars.of_tenant(tenant)[rules.name]
        if not backend.shared:
            return {}
        now = ctx.clock()
        read_at, entries = self._read_entries.get(rules.name, (None, []))
        if read_at is None or now - read_at > FRESH:
            try:
                async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                    entries = await asyncio.shield(self._request(backend, rules, now))
            except (TimeoutError, CalendarUnavailable):
                if read_at is None or now - read_at > USABLE:
                    raise CalendarTimedOut(rules.name) from None
        ours = await ctx.database.read(lambda s: lookup.uids(s, tenant, rules.name, now - _DAY))
        return others_of((e.starts_at, e.ends_at) for e in entries if e.uid not in ours)

    def _request(
        self, backend: CalendarBackend, rules: CalendarRules, now: datetime
    ) -> asyncio.Task[list[Entry]]:
        """The request under way: there is one at a time to a calendar, however many callers gave
        up waiting, and its answer serves the next one."""
        task = self._requests.get(rules.name)
        if task is None or task.done():
            task = asyncio.create_task(self._fetch(backend, rules, now))
            task.add_done_callback(_ignore_error)
            self._requests[rules.name] = task
        return task

    async def _fetch(
        self, backend: CalendarBackend, rules: CalendarRules, now: datetime
    ) -> list[Entry]:
        entries = await backend.busy(now - _DAY, now + rules.horizon + _DAY)
        self._read_entries[rules.name] = (now, entries)
        return entries


def _ignore_error(task: asyncio.Task[list[Entry]]) -> None:
    """Retrieve the error, since the caller may have given up waiting."""
    if not task.cancelled():
        task.exception()
