"""The appointment that a person on the roster has already, as the definition's calendar says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.appointment.requested_time import UnclearTime, read_time
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.intake.problems import Problem
from outdial.intake.templates.callbacks import RenderFailed, render_text
from outdial.intake.yaml.source_map import SourceMap


@dataclass(frozen=True, slots=True)
class Existing:
    at: datetime | None = None
    """UTC; None when the row names none."""
    uid: str | None = None
    title: str | None = None


class ExistingAppointments:
    """Reads one of each row."""

    def __init__(self, definition: CampaignDefinition, source_map: SourceMap) -> None:
        self._calendar = definition.calendar
        self._source_map = source_map

    def read(self, values: Mapping[str, str], row: str, problems: list[Problem]) -> Existing:
        """Adds to `problems` what cannot be read; an empty text is no appointment."""
        calendar = self._calendar
        if calendar is None or calendar.existing is None:
            return Existing()
        text = self._render(calendar.existing, "existing", values, row, problems)
        if not text:
            return Existing()
        read = read_time(text, (calendar.time_zone,))
        if isinstance(read, UnclearTime):
            self._add_problem("existing", row, "unclear_time", read.reason, problems)
            return Existing()
        return self._existing(calendar, read.at, values, row, problems)

    def _existing(
        self,
        calendar: CalendarRules,
        at: datetime,
        values: Mapping[str, str],
        row: str,
        problems: list[Problem],
    ) -> Existing:
        uid = None
        if calendar.existing_uid is not None:
            uid = self._render(calendar.existing_uid, "existing_uid", values, row, problems)
        title = self._render(calendar.title, "title", values, row, problems)
        return Existing(at, uid or None, title)

    def _render(
        self, template: str, key: str, values: Mapping[str, str], row: str, problems: list[Problem]
    ) -> str | None:
        try:
            return render_text(template, {**values, "row": values}).strip()
        except RenderFailed as error:
            self._add_problem(key, row, error.code, str(error), problems)
            return None

    def _add_problem(
        self, key: str, row: str, code: str, reason: str, problems: list[Problem]
    ) -> None:
        problems.append(self._source_map.problem(("calendar", key), code, f"{row}: {reason}"))
