"""The recipients of a definition, read row by row: checked before a launch, then enrolled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import CsvSource, InlineRecipient
from outdial.intake.contacts.contacts import read_contacts
from outdial.intake.contacts.existing import ExistingAppointments
from outdial.intake.contacts.inline import read_inline
from outdial.intake.contacts.row_checker import RowChecker
from outdial.intake.contacts.rows import SourceRow
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList, problem_lines
from outdial.intake.templates.templates import TemplateSet
from outdial.intake.yaml.source_map import SourceMap


@dataclass(frozen=True, slots=True)
class RosterCheck:
    """What a roster holds: how many recipients, and every problem up to a thousand."""

    problems: tuple[Problem, ...]
    omitted: int
    """Problems beyond those kept."""
    count: int
    """Rows that can be enrolled."""

    def lines(self) -> list[str]:
        """One line a problem, and `and N more` at the end when some were not kept."""
        return problem_lines(self.problems, self.omitted)

    def require_good(self) -> None:
        """Raise DefinitionInvalid when there is any problem."""
        if self.problems:
            raise DefinitionInvalid(self.problems, self.omitted)


def read_roster(loaded: LoadedDefinition, *, start: int = 0) -> Iterator[RecipientDraft]:
    """The recipients, streamed; memory grows by about a hundred bytes a row.

    `start` leaves out the rows before that position unchecked, to resume an enrolment. Raises
    DefinitionInvalid at the first row that can't be enrolled: `check_roster` would have told,
    so the contact file has changed since.
    """
    for found in _drafts(loaded.definition, _rows(loaded), loaded.source_map, start):
        if isinstance(found, Problem):
            raise DefinitionInvalid([found])
        yield found


def check_roster(loaded: LoadedDefinition, *, without: Collection[int] = ()) -> RosterCheck:
    """Read, check and render every row. Raises nothing for what the rows hold.

    `without` leaves out listed recipients, by position, whose problems are known already.
    """
    problems, count = ProblemList(), 0
    for found in _drafts(loaded.definition, _rows(loaded, without), loaded.source_map):
        if isinstance(found, Problem):
            problems.add(found)
        else:
            count += 1
    if not count and not len(problems) and not without:
        problems.add(
            loaded.source_map.problem(
                ("recipients",), "no_recipients", "found no recipients; write at least one"
            )
        )
    return RosterCheck(tuple(problems), problems.omitted, count)


def draft_recipients(
    definition: CampaignDefinition, recipients: Sequence[InlineRecipient], *, name: str = "request"
) -> list[RecipientDraft]:
    """Check and render recipients that came in a request, as if the definition listed them.

    Raises DefinitionInvalid with every problem; all stand at line 1, told apart by their path.
    """
    source_map = SourceMap(name, None)
    problems = ProblemList()
    drafts: list[RecipientDraft] = []
    inline = definition.model_copy(update={"recipients": tuple(recipients)})
    for found in _drafts(inline, read_inline(recipients, source_map), source_map):
        if isinstance(found, Problem):
            problems.add(found)
        else:
            drafts.append(found)
    if len(problems):
        raise DefinitionInvalid(problems, problems.omitted)
    return drafts


def _rows(loaded: LoadedDefinition, without: Collection[int] = ()) -> Iterator[SourceRow | Problem]:
    source = loaded.definition.recipients
    if not isinstance(source, CsvSource):
        return read_inline(source, loaded.source_map, without)
    if loaded.base is None:
        message = "found a contact file, which can't be read from here; write a list of recipients"
        return iter([loaded.source_map.problem(("recipients", "csv"), "file_not_allowed", message)])
    return read_contacts(source, loaded.base, loaded.source_map)


def _drafts(
    definition: CampaignDefinition,
    rows: Iterable[SourceRow | Problem],
    source_map: SourceMap,
    start: int = 0,
) -> Iterator[RecipientDraft | Problem]:
    existing = ExistingAppointments(definition, source_map)
    checker = RowChecker(definition, TemplateSet(definition.variables, source_map), existing)
    position = -1
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        position += 1
        if position < start:
            continue
        found = checker.check(row, position)
        if isinstance(found, RecipientDraft):
            yield found
        else:
            yield from found
