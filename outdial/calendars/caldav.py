"""The CalDAV backend (RFC 4791): a calendar on a server, which other people write to as well.

The library runs in a thread of its own. A version that somebody else wrote is recognized by
its ETag, and never overwritten.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

import httpx
from caldav.calendarobjectresource import Event
from caldav.collection import Calendar
from caldav.davclient import DAVClient
from caldav.elements import dav
from caldav.lib.error import (
    ConsistencyError,
    DAVError,
    ETagMismatchError,
    NotFoundError,
    ScheduleTagMismatchError,
)

from outdial.calendars.expansion import busy_by
from outdial.calendars.invitation import event_of, status_of
from outdial.calendars.objects import UNREADABLE, object_of
from outdial.calendars.port import CalendarBackend, CalendarConflict, CalendarUnavailable, Entry
from outdial.domain.appointment.appointment import OURS, Appointment
from outdial.domain.clocks import load_zone
from outdial.domain.egress import Egress

T = TypeVar("T")
_CHANGED = (ETagMismatchError, ScheduleTagMismatchError, ConsistencyError)
_CALDAV = "urn:ietf:params:xml:ns:caldav"
_EVENTS_BETWEEN = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<C:calendar-query xmlns:D="DAV:" xmlns:C="{_CALDAV}">'
    "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
    '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
    '<C:time-range start="{start}" end="{end}"/>'
    "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
)
_IDENTITY = {"Accept-Encoding": "identity"}
"""A proxy that compresses an answer gives it another ETag."""
_DIRECT = Egress()
PRODUCT = "-//Outdial//Appointments//EN"


class CalDavCalendar(CalendarBackend):
    """One collection of a CalDAV server."""

    shared = True

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        token: Callable[[], str] | None = None,
        zone: str = "UTC",
        timeout: timedelta = timedelta(seconds=10),
        clock: Callable[[], datetime],
        egress: Egress = _DIRECT,
    ) -> None:
        """`token` gives the bearer token of a request, in place of a password. `zone` is that of
        events without one, such as those that take a whole day."""
        self._url = url if url.endswith("/") else f"{url}/"
        self._username = username
        self._password = password
        self._token = token
        self._zone = zone
        self._timeout = timeout
        self._clock = clock
        self._proxy = egress.proxy_for(urlsplit(url).hostname or "")
        self._trusted = _certificates(egress.ca_file)

    async def busy(self, start: datetime, end: datetime) -> list[Entry]:
        return await self._ask(lambda calendar: self._busy(calendar, start, end))

    async def read(self, uid: str) -> Entry | None:
        return await self._ask(lambda calendar: self._read(calendar, uid))

    async def write(self, appointment: Appointment) -> str | None:
        return await self._ask(lambda calendar: self._write(calendar, appointment))

    async def remove(self, appointment: Appointment) -> None:
        await self._ask(lambda calendar: _remove(calendar, appointment))

    async def _ask(self, work: Callable[[Any], T]) -> T:
        def run() -> T:
            with DAVClient(
                url=self._url,
                username=self._username,
                password=self._password if self._token is None else self._token(),
                timeout=int(self._timeout.total_seconds()),
                headers=_IDENTITY,
                enable_rfc6764=False,
                auth_type=None if self._token is None else "bearer",
                proxy=self._proxy,
                ssl_verify_cert=self._trusted,
            ) as client:
                client.session.trust_env = False
                return work(Calendar(client=client, url=self._url))

        try:
            return await asyncio.to_thread(run)
        except _CHANGED as error:
            raise CalendarConflict("somebody else changed it") from error
        except (DAVError, OSError, ValueError) as error:
            raise CalendarUnavailable(type(error).__name__) from error

    def _busy(self, calendar: Any, start: datetime, end: datetime) -> list[Entry]:
        query = _EVENTS_BETWEEN.format(start=_utc(start), end=_utc(end))
        answer = calendar.client.report(self._url, query, 1)
        if answer.status >= 300:
            raise DAVError(url=self._url, reason=f"it answered {answer.status}")
        tree = answer.tree
        elements = () if tree is None else tree.iter(f"{{{_CALDAV}}}calendar-data")
        texts = [element.text for element in elements if element.text]
        return busy_by(texts, start, end, lambda component: self._entry(component, None))

    def _read(self, calendar: Any, uid: str) -> Entry | None:
        event = _find(calendar, uid)
        if event is None:
            return None
        component = event.icalendar_component
        return self._entry(component, _etag(event))

    def _write(self, calendar: Any, appointment: Appointment) -> str | None:
        event = _find(calendar, appointment.uid)
        if event is None:
            if appointment.mirrored is not None:
                raise CalendarConflict("somebody else removed it")
            return self._create(calendar, appointment)
        component = event.icalendar_component
        if self._is_written(component, appointment):
            return _etag(event)
        if not _same(appointment.etag, _etag(event)):
            raise CalendarConflict("somebody else changed it")
        _update(component, appointment)
        event.save(increase_seqno=False, precondition="etag")
        return _etag(event) or _reread(calendar, appointment.uid)

    def _create(self, calendar: Any, appointment: Appointment) -> str | None:
        url = _address(calendar, appointment.uid)
        now = self._clock().replace(microsecond=0)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}"]
        body = event_of(appointment, now).to_ical().decode().strip()
        data = "\r\n".join([*lines, body, "END:VCALENDAR", ""])
        event = Event(client=calendar.client, url=url, data=data, parent=calendar)
        event.save(no_overwrite=True, increase_seqno=False)
        return _etag(event) or _reread(calendar, appointment.uid)

    def _is_written(self, component: Any, appointment: Appointment) -> bool:
        """Whether an earlier try of ours got through, and only its answer was lost."""
        entry = self._entry(component, None)
        return (
            entry is not None
            and entry.starts_at == appointment.starts_at
            and int(component.get("SEQUENCE", 0)) == appointment.sequence
            and str(component.get("STATUS", "")) == status_of(appointment)
        )

    def _entry(self, component: Any, etag: str | None) -> Entry | None:
        """Raises ValueError for an event that can't be read."""
        try:
            return self._entry_of(component, etag)
        except UNREADABLE as error:
            raise ValueError("an event that can't be read") from error

    def _entry_of(self, component: Any, etag: str | None) -> Entry | None:
        if "DTSTART" not in component:
            return None
        start = self._instant(component["DTSTART"].dt)
        if "DTEND" in component:
            end = self._instant(component["DTEND"].dt)
        elif "DURATION" in component:
            end = start + component["DURATION"].dt
        elif isinstance(component["DTSTART"].dt, datetime):
            end = start
        else:
            end = start + timedelta(days=1)
        return Entry(str(component.get("UID", "")), start, max(end, start), etag)

    def _instant(self, value: date | datetime) -> datetime:
        """A whole day begins at midnight where the calendar is."""
        instant = value if isinstance(value, datetime) else datetime.combine(value, time())
        if instant.tzinfo is None:
            zone: Any = load_zone(self._zone)
            instant = cast("datetime", zone.localize(instant))
        return instant.astimezone(UTC)


def _find(calendar: Any, uid: str) -> Any:
    """The object of an appointment, looked up by its usual address first: a search reads the whole
    calendar."""
    event = Event(client=calendar.client, url=_address(calendar, uid), parent=calendar)
    try:
        _load(event)
        if str(event.icalendar_component.get("UID", "")) == uid:
            return event
    except NotFoundError:
        if uid.endswith(OURS):
            return None  # nobody but us makes such names, and we keep them there
    try:
        event = calendar.get_event_by_uid(uid)
    except NotFoundError:
        return None
    _load(event)  # a search may leave the ETag out
    return event


def _load(event: Any) -> None:
    """Read an event with its ETag as the server has it. Raises NotFoundError.

    A proxy may give the answer of a GET another one; the property is not touched. It is asked
    first: a change in between leaves an old ETag, with which nothing is overwritten.
    """
    kept = _kept_etag(event)
    event.load()
    event.icalendar_instance = object_of(event.data)
    if kept is not None:
        event.props[dav.GetEtag.tag] = kept


def _kept_etag(event: Any) -> str | None:
    try:
        properties = event.get_properties([dav.GetEtag()])
    except (DAVError, KeyError):
        return None  # it is not there, or the property is not: the GET shows which
    etag = properties.get(dav.GetEtag.tag)
    return None if etag is None else str(etag)


def _same(stored: str | None, current: str | None) -> bool:
    """Whether two ETags mean one version, compared weakly (RFC 9110, 8.8.3.2). The stored
    one may come from a GET through a proxy that compresses."""
    return stored is None or (current is not None and _opaque(stored) == _opaque(current))


def _opaque(etag: str) -> str:
    plain = etag.strip().removeprefix("W/").strip('"')
    return re.sub(r"(--?|;|:)(gzip|br|deflate|df|zstd)$", "", plain)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _address(calendar: Any, uid: str) -> str:
    return f"{str(calendar.url).rstrip('/')}/{quote(uid, safe='')}.ics"


def _remove(calendar: Any, appointment: Appointment) -> None:
    event = _find(calendar, appointment.uid)
    if event is None:
        return
    etag = _etag(event)
    if not _same(appointment.etag, etag):
        raise CalendarConflict("somebody else changed it")
    event.delete(if_match=etag or False)


def _update(component: Any, appointment: Appointment) -> None:
    """Change what is ours to change; what others wrote beside it stays."""
    for name in ("DTSTART", "DTEND", "DURATION", "SEQUENCE", "STATUS"):
        component.pop(name, None)
    component.add("dtstart", appointment.starts_at)
    component.add("dtend", appointment.ends_at)
    component.add("sequence", appointment.sequence)
    component.add("status", status_of(appointment))


def _etag(event: Any) -> str | None:
    etag = event.etag
    return None if etag is None else str(etag)


def _reread(calendar: Any, uid: str) -> str | None:
    """The ETag from a server that does not answer a write with the new one."""
    event = _find(calendar, uid)
    return None if event is None else _etag(event)


def _certificates(ca_file: str | None) -> bool | str:
    """What the library verifies servers by: its own authorities, or a text in PEM form."""
    if ca_file is None:
        return True
    public = httpx.create_ssl_context(trust_env=False).get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, public)) + Path(ca_file).read_text()
