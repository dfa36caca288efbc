"""The recipients of a definition as a whole: checked, or the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from outdial.domain.rules.location import LocatedDraft, RecipientKind
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.contacts.unmapped import count_past
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, Problem, problem_lines


@dataclass(frozen=True, slots=True)
class RosterCheck:
    """What a roster holds: how many recipients, and every problem up to a thousand."""

    problems: tuple[Problem, ...]
    omitted: int
    """Problems beyond those kept."""
    count: int
    """Rows that can be enrolled."""
    kinds: Mapping[RecipientKind | str, int] = field(default_factory=dict)
    """How many of them are of each kind, for a forecast."""
    past_appointments: int = 0
    """How many of them have an existing appointment that has passed."""

    def lines(self) -> list[str]:
        """One line a problem, and `and N more` at the end when some were not kept."""
        return problem_lines(self.problems, self.omitted)

    def require_good(self) -> None:
        """Raise DefinitionInvalid when there is any problem."""
        if self.problems:
            raise DefinitionInvalid(self.problems, self.omitted)


def check_roster(
    loaded: LoadedDefinition, *, without: Collection[int] = (), now: datetime | None = None
) -> RosterCheck:
    """Read, check and render every row; problems are returned, not raised.

    `without` leaves out listed recipients, by position, whose problems are known already.
    Appointments have passed at `now`, if that is given.
    """
    problems: list[Problem] = []
    kinds: Counter[RecipientKind | str] = Counter()
    omitted = count = past = 0
    for chunk in read_chunks(loaded, without=without):
        problems += chunk.problems
        omitted += chunk.omitted
        count += len(chunk.recipients)
        kinds.update(chunk.kinds)
        if now is not None:
            past += count_past(chunk.recipients, now)
    return RosterCheck(tuple(problems), omitted, count, kinds, past)


def first_recipient(loaded: LoadedDefinition) -> LocatedDraft | None:
    """The first recipient; None when there is none. Raises DefinitionInvalid for a first row
    that is wrong."""
    with closing(read_chunks(loaded, size=1, processes=0)) as chunks:
        for chunk in chunks:
            if chunk.problems:
                raise DefinitionInvalid(chunk.problems, chunk.omitted)
            if chunk.recipients:
                return chunk.recipients[0]
    return None
