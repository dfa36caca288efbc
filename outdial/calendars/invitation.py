"""An appointment as an iCalendar file (RFC 5545)."""

from __future__ import annotations

from datetime import datetime

from icalendar import Calendar, Event

from outdial.domain.appointment.appointment import Appointment, AppointmentStatus

PRODUCT = "-//Outdial//Appointments//EN"
_STATUS = {
    AppointmentStatus.HELD: "TENTATIVE",
    AppointmentStatus.BOOKED: "TENTATIVE",
    AppointmentStatus.CONFIRMED: "CONFIRMED",
    AppointmentStatus.IN_PROGRESS: "CONFIRMED",
    AppointmentStatus.COMPLETED: "CONFIRMED",
    AppointmentStatus.NO_SHOW: "CONFIRMED",
    AppointmentStatus.CANCELED: "CANCELLED",
    AppointmentStatus.RELEASED: "CANCELLED",
}


def invitation(appointment: Appointment, now: datetime) -> bytes:
    """The `.ics` of an appointment; times are in UTC."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    canceled = _STATUS[appointment.status] == "CANCELLED"
    calendar.add("method", "CANCEL" if canceled else "PUBLISH")
    calendar.add_component(event_of(appointment, now))
    return bytes(calendar.to_ical())


def event_of(appointment: Appointment, now: datetime) -> Event:
    event = Event()
    event.add("uid", appointment.uid)
    event.add("dtstamp", now)
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.ends_at)
    event.add("summary", appointment.title)
    event.add("sequence", appointment.sequence)
    event.add("status", status_of(appointment))
    return event


def status_of(appointment: Appointment) -> str:
    return _STATUS[appointment.status]
