"""Port of calendars that other people use too.

Our own tables decide who gets a slot. Other people's appointments are read from a shared calendar,
and our changes are written to it; it refuses a write to what others have changed meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from outdial.domain.appointment.appointment import Appointment
from outdial.domain.errors import OutdialError
from outdial.domain.record import DEFAULT_TENANT


class CalendarConflict(OutdialError):
    """Somebody else changed the appointment there; nothing was written."""

    code = "calendar_conflict"


class CalendarUnavailable(OutdialError):
    """The calendar does not answer, or not in a way we understand; try again."""

    code = "calendar_unavailable"


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment as a calendar has it."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    etag: str | None = None


class CalendarBackend(ABC):
    """Every method raises CalendarUnavailable when it cannot be done now."""

    shared: bool
    """Whether other people write to it."""

    @abstractmethod
    async def busy(self, start: datetime, end: datetime) -> list[Entry]:
        """Everything that takes time between two instants, ours included."""

    @abstractmethod
    async def read(self, uid: str) -> Entry | None:
        """One appointment; None when it is not there."""

    @abstractmethod
    async def write(self, appointment: Appointment) -> str | None:
        """Write an appointment as it is now; its new ETag. What was written before is known again.

        Raises CalendarConflict when somebody else changed or removed it since `etag`.
        """

    @abstractmethod
    async def remove(self, appointment: Appointment) -> None:
        """Take an appointment out; one that is gone is no error. Raises CalendarConflict."""


class Calendars:
    """Calendars by name; those that are not configured live in our tables alone."""

    def __init__(
        self,
        shared: Mapping[str, CalendarBackend] | None = None,
        *,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        self._shared = dict(shared or {})
        self._own = OwnTables()
        self._tenant = tenant

    def of_tenant(self, tenant: str) -> Calendars:
        """Those that a tenant may use: what the settings name is the installation's own."""
        return self if tenant == self._tenant else Calendars(tenant=tenant)

    def __getitem__(self, name: str) -> CalendarBackend:
        return self._shared.get(name, self._own)


class OwnTables(CalendarBackend):
    """A calendar in our own tables alone."""

    shared = False

    async def busy(self, start: datetime, end: datetime) -> list[Entry]:
        return []

    async def read(self, uid: str) -> Entry | None:
        return None

    async def write(self, appointment: Appointment) -> str | None:
        return None

    async def remove(self, appointment: Appointment) -> None:
        return None
