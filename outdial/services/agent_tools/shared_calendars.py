"""What other people have in a shared calendar, while somebody waits on the telephone.

A calendar that answers too slowly is not waited for: what it said a little while ago is used, and
when that is too old nothing is promised.
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
from outdial.store.appointments import finding

ANSWER_WITHIN = timedelta(milliseconds=600)
FRESH = timedelta(seconds=15)
"""So long an answer is as good as a new one: the booking itself is checked once more."""
STILL_GOOD = timedelta(minutes=5)
_DAY = timedelta(days=1)


class CalendarSilent(OutdialError):
    """It does not answer, and what is known of it is too old."""

    code = "calendar_silent"


@dataclass
class SharedCalendars:
    """Remembers what each calendar said last; one for a process."""

    _heard: dict[str, tuple[datetime, list[Entry]]] = field(default_factory=dict)
    _asked: dict[str, asyncio.Task[list[Entry]]] = field(default_factory=dict)

    async def others(self, ctx: Resources, tenant: str, rules: CalendarRules) -> dict[int, int]:
        """Other people's appointments by tick. Raises CalendarSilent."""
        backend = ctx.calendars.of_tenant(tenant)[rules.name]
        if not backend.shared:
            return {}
        now = ctx.clock()
        heard_at, entries = self._heard.get(rules.name, (None, []))
        if heard_at is None or now - heard_at > FRESH:
            try:
                async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                    entries = await asyncio.shield(self._asking(backend, rules, now))
            except (TimeoutError, CalendarUnavailable):
                if heard_at is None or now - heard_at > STILL_GOOD:
                    raise CalendarSilent(rules.name) from None
        ours = await ctx.database.read(lambda s: finding.uids(s, tenant, rules.name, now - _DAY))
        return others_of((e.starts_at, e.ends_at) for e in entries if e.uid not in ours)

    def _asking(
        self, backend: CalendarBackend, rules: CalendarRules, now: datetime
    ) -> asyncio.Task[list[Entry]]:
        """The question under way: a slow calendar is asked once at a time, however many callers
        gave up waiting, and what it says at last serves the next one."""
        task = self._asked.get(rules.name)
        if task is None or task.done():
            task = asyncio.create_task(self._ask(backend, rules, now))
            task.add_done_callback(_seen)
            self._asked[rules.name] = task
        return task

    async def _ask(
        self, backend: CalendarBackend, rules: CalendarRules, now: datetime
    ) -> list[Entry]:
        entries = await backend.busy(now - _DAY, now + rules.horizon + _DAY)
        self._heard[rules.name] = (now, entries)
        return entries


def _seen(task: asyncio.Task[list[Entry]]) -> None:
    """An error that nobody waited for any more is no news."""
    if not task.cancelled():
        task.exception()
