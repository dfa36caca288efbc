"""The files of a plan: every recipient, and every rejected row, for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path

from outdial.domain.spreadsheets import escape_cell
from outdial.intake.problems import Problem
from outdial.services.campaigns.planning import CampaignPlan, PlannedRecipient

_RECIPIENTS = (
    "row",
    "phone",
    "group",
    "code",
    "reason",
    "until",
    "time_zones",
    "jurisdictions",
    "time_zone_source",
)
_REJECTED = ("file", "line", "column", "field", "code", "message")


def write_csv(folder: Path, plan: CampaignPlan) -> None:
    """Write recipients.csv and rejected.csv into a folder, which is made if there is none. Numbers
    are written in full. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "recipients.csv", _RECIPIENTS, map(_recipient, plan.recipients))
    _write(folder / "rejected.csv", _REJECTED, map(_problem, plan.given.rejected.problems))


def _recipient(of: PlannedRecipient) -> Sequence[str]:
    until = "" if of.until is None else of.until.astimezone(UTC).isoformat()
    zones = of.zones
    return (
        str(of.position + 1),
        of.phone,
        of.group.value,
        of.code,
        of.reason,
        until,
        "" if zones is None else " ".join(zones.candidates),
        "" if zones is None else " ".join(zones.jurisdictions),
        "" if zones is None else zones.source.value,
    )


def _problem(of: Problem) -> Sequence[str]:
    return (of.file, str(of.line), str(of.column), of.field, of.code, of.message)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(_escaped(rows))


def _escaped(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    for row in rows:
        yield [escape_cell(cell) for cell in row]
