"""The recipients of a definition, read row by row: checked before a launch, then enrolled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import CsvSource, InlineRecipient
from outdial.intake.contacts.contacts import RowChecker, read_contacts
from outdial.intake.contacts.existing import ExistingAppointments
from outdial.intake.contacts.inline import read_inline
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


def read_roster(loaded: LoadedDefinition) -> Iterator[RecipientDraft]:
    """The recipients, streamed; memory grows by about a hundred bytes a row.

    Raises DefinitionInvalid at the first row that can't be enrolled: `check_roster` found no
    problem there, so the contact file has changed since.
    """
    for each in read_drafts(loaded):
        if isinstance(each, Problem):
            raise DefinitionInvalid([each])
        yield each


def check_roster(loaded: LoadedDefinition, *, without: Collection[int] = ()) -> RosterCheck:
    """Read, check and render every row; problems are returned, not raised.

    `without` leaves out listed recipients, by position, whose problems are known already.
    """
    problems, count = ProblemList(), 0
    for each in read_drafts(loaded, without):
        if isinstance(each, Problem):
            problems.add(each)
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

    Raises DefinitionInvalid with every problem; all are at line 1, distinguished by their path.
    """
    source_map = SourceMap(name, None)
    problems = ProblemList()
    drafts: list[RecipientDraft] = []
    inline = definition.model_copy(update={"recipients": tuple(recipients)})
    for each in read_inline(recipients, source_map, _checker(inline, source_map)):
        if isinstance(each, Problem):
            problems.add(each)
        else:
            drafts.append(each)
    if len(problems):
        raise DefinitionInvalid(problems, problems.omitted)
    return drafts


def read_drafts(
    loaded: LoadedDefinition, without: Collection[int] = ()
) -> Iterator[RecipientDraft | Problem]:
    """The drafts of a definition's recipients in their order, and what is wrong with the others.

    `without` leaves out listed recipients, by position.
    """
    source, source_map = loaded.definition.recipients, loaded.source_map
    checker = _checker(loaded.definition, source_map)
    if not isinstance(source, CsvSource):
        return read_inline(source, source_map, checker, without)
    if loaded.base is None:
        message = "found a contact file, which can't be read from here; write a list of recipients"
        return iter([source_map.problem(("recipients", "csv"), "file_not_allowed", message)])
    return read_contacts(source, loaded.base, source_map, checker)


def _checker(definition: CampaignDefinition, source_map: SourceMap) -> RowChecker:
    templates = TemplateSet(definition.variables, source_map)
    return RowChecker(definition, templates, ExistingAppointments(definition, source_map))
