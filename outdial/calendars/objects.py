"""Parses one iCalendar object, and keeps the time zones that it defines out of other objects.

The library keeps the zones that objects define for the whole process, by their names alone, and
the first one wins. Calendar programs name theirs alike ("Customized Time Zone"), so that an event
would be read in the zone of somebody else's, hours away; and each new name would stay for good.
"""

from __future__ import annotations

import re
from typing import Any

from icalendar import Calendar, ComponentFactory, Timezone
from icalendar.parser.ical.calendar import CalendarIcalParser
from icalendar.timezone.tzp import TZP

_DAYS = re.compile(r"(?<![0-9A-Z])([0-9]{8})(?![0-9A-Z])")


UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
"""What the libraries raise beside ValueError for an object that says odd things."""


def object_of(text: str) -> Calendar:
    """The one VCALENDAR of a text. Raises ValueError for a text that can't be read as one."""
    try:
        objects = _Parser(text).parse()
    except UNREADABLE as error:
        raise ValueError("an iCalendar object that can't be read") from error
    if len(objects) != 1 or not isinstance(objects[0], Calendar):
        raise ValueError("not one iCalendar object")
    return objects[0]


class _Parser(CalendarIcalParser):
    """The library's, with zones that are forgotten with the object."""

    def __init__(self, text: str) -> None:
        # a factory keeps the components that it doesn't know, too
        super().__init__(text, ComponentFactory(), Calendar.types_factory)
        self._zones = TZP()

    def handle_end_component(self, vals: str) -> None:
        ended = self.component
        super().handle_end_component("")  # with the name of a zone, it is kept for the process
        if isinstance(ended, Timezone) and "TZID" in ended:
            self._zones.cache_timezone_component(ended)

    def parse_and_add_property(
        self, name: str, params: Any, val: str, tzid: Any, line: Any
    ) -> None:
        """Give the library the zone in place of its name, by which it would look for others'."""
        zone: Any = self._zones.timezone(tzid) if tzid else None
        if zone is not None:
            # a day has a zone where it is midnight there; for that the library takes names only
            val = _DAYS.sub(r"\1T000000", val)
        super().parse_and_add_property(name, params, val, zone, line)
