"""Every problem of a definition and of its contacts, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.location import RecipientKind
from outdial.intake.contacts.roster import check_roster
from outdial.intake.contacts.unmapped import column_notes, past_notes
from outdial.intake.definition import (
    LoadedDefinition,
    ParsedDefinition,
    parse_definition,
    read_definition_file,
    templates_of,
)
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList, problem_lines
from outdial.intake.yaml.source_map import SourceMap

_STAND_INS = {"name": "unnamed", "purpose": Purpose.INFORMATIONAL.value, "agent": "unnamed"}


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a definition can be launched, and if not, everything that is wrong with it."""

    problems: tuple[Problem, ...]
    omitted: int
    loaded: LoadedDefinition | None
    """The definition, when nothing is wrong."""
    count: int
    """Recipients that can be enrolled."""
    kinds: Mapping[RecipientKind | str, int] = field(default_factory=dict)
    """How many of them are of each kind, for a forecast."""
    notes: tuple[str, ...] = ()
    """What is no problem, and probably not what was meant."""

    def lines(self) -> list[str]:
        """One line a problem, and `and N more` at the end when some were not kept."""
        return problem_lines(self.problems, self.omitted)


def validate(path: Path | str, now: datetime | None = None) -> Validation:
    """Check the definition at `path` and every row of its roster, whatever else is wrong.

    Appointments have passed at `now`, if that is given. Raises nothing for what the files hold.
    """
    path = Path(path)
    file = str(path)
    try:
        text = read_definition_file(path)
    except DefinitionInvalid as error:
        return Validation(error.problems, error.omitted, None, 0)
    parsed = parse_definition(text, file)
    problems, count = ProblemList(parsed.problems), 0
    problems.omitted += parsed.problems.omitted
    broken_rows = _broken_rows(parsed)
    definition = parsed.definition or _without_what_is_broken(parsed, broken_rows)
    loaded: LoadedDefinition | None = None
    kinds: Mapping[RecipientKind | str, int] = {}
    notes: tuple[str, ...] = ()
    if definition is not None:
        source_map = SourceMap(file, parsed.root)
        loaded = LoadedDefinition(definition, path, text, file, path.parent, source_map)
        roster = check_roster(loaded, without=broken_rows, now=now)
        count, kinds = roster.count, roster.kinds
        problems.extend(roster.problems)
        problems.omitted += roster.omitted
        notes = (*column_notes(loaded), *past_notes(roster.past_appointments))
    good = loaded if not len(problems) else None
    return Validation(tuple(problems), problems.omitted, good, count, kinds, notes)


def _broken_rows(parsed: ParsedDefinition) -> frozenset[int]:
    """Positions of listed recipients that are no recipients."""
    positions = [path[1] for path in parsed.broken if path[0:1] == ("recipients",) and path[1:]]
    return frozenset(position for position in positions if isinstance(position, int))


def _without_what_is_broken(
    parsed: ParsedDefinition, broken_rows: frozenset[int]
) -> CampaignDefinition | None:
    """A definition good enough to check the roster by; None when the roster is what is broken."""
    if not isinstance(parsed.values, dict):
        return None
    broken = {path[0] for path in parsed.broken if path}
    kept = {key: value for key, value in parsed.values.items() if key not in broken}
    values: dict[str, Any] = {**_STAND_INS, **kept}
    if broken_rows:
        values["recipients"] = [
            {"phone": ""} if index in broken_rows else recipient
            for index, recipient in enumerate(parsed.values["recipients"])
        ]
    if "variables" in broken:
        values["variables"] = templates_of(parsed.values)
    if "schedule" in broken:
        # Whether numbers without a zone are refused is up to the schedule: don't guess.
        values["schedule"] = {"time_zone": "UTC"}
    try:
        return CampaignDefinition.model_validate(values)
    except ValidationError:
        return None
