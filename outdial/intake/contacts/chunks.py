"""A roster in one pass: every row read, checked, rendered and located once, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import CsvSource, RecipientSource
from outdial.domain.rules.location import LocatedDraft, RecipientKind
from outdial.intake.contacts.cells import LocatedText
from outdial.intake.contacts.first_lines import FirstLines
from outdial.intake.contacts.inline import inline_chunks
from outdial.intake.contacts.row_processes import RowProcesses, granted, processes_for
from outdial.intake.contacts.rows import CheckedRows, RowChecker
from outdial.intake.contacts.table import ContactTable, CsvChunk, CsvRowChecker
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import MAX_PROBLEMS, Problem
from outdial.intake.templates.templates import ProblemKey
from outdial.intake.yaml.source_map import SourceMap

CHUNK_ROWS = 2000


@dataclass(frozen=True, slots=True)
class RosterChunk:
    """The next rows of a roster."""

    rows: int
    """How many rows were read for this chunk, those with problems included."""
    recipients: tuple[LocatedDraft, ...]
    """Those of its rows that have no problem, by position."""
    problems: tuple[Problem, ...]
    """What is wrong with its other rows. Of a whole roster the first thousand are kept."""
    omitted: int
    """Problems of this chunk beyond those kept."""
    kinds: Mapping[RecipientKind | str, int]
    """How many of its recipients are of each kind, or are refused for a reason: a forecast
    needs no more."""


def read_chunks(
    loaded: LoadedDefinition,
    *,
    size: int = CHUNK_ROWS,
    without: Collection[int] = (),
    processes: int | None = None,
) -> Generator[RosterChunk]:
    """The roster of a definition in chunks of about `size` rows, in the order of its rows.

    Reading goes on behind a problem, so that all are found: whoever stores the recipients gives
    up what it stored once a chunk has one. `without` leaves out listed recipients, by position,
    whose problems are known already. Memory does not grow with the roster, but for twenty to
    forty bytes a number.

    Rows of a long contact file are checked in `processes` beside each other, by default one a
    core, of those that this process may still have. They end with the iteration, so close an
    iterator that is not read to its end. Raises RowProcessFailed when one of them ends.
    """
    assembly, empty = _Assembly(), True
    with closing(_checked(loaded, size, without, processes)) as checked:
        for source, rows in checked:
            chunk = assembly.chunk(source, rows)
            empty = empty and not chunk.rows and not chunk.problems
            yield chunk
    if empty and not without:
        problem = loaded.source_map.problem(
            ("recipients",), "no_recipients", "found no recipients; write at least one"
        )
        yield RosterChunk(0, (), (problem,), 0, {})


def with_recipients(
    definition: CampaignDefinition,
    recipients: RecipientSource,
    *,
    name: str = "request",
    base: Path | None = None,
) -> LoadedDefinition:
    """A definition with other recipients, to read as if it listed them: those of a request, or of
    a file below `base`. Their problems are at line 1 of `name`, distinguished by their path."""
    changed = definition.model_copy(update={"recipients": recipients})
    return LoadedDefinition(changed, None, "", name, base, SourceMap(name, None))


class _SourceChunk(Protocol):
    """Rows as they are written."""

    @property
    def lines(self) -> Sequence[int]:
        """By row, where it is written."""
        ...

    @property
    def problems(self) -> Sequence[tuple[int, Problem]]:
        """What was found while reading, each with the place of the row that it comes before."""
        ...

    @property
    def unread(self) -> int:
        """Rows that are among the problems alone."""
        ...

    def phone(self, at: int) -> LocatedText:
        """The number of a row, as it was written."""
        ...


def _checked(
    loaded: LoadedDefinition, size: int, without: Collection[int], processes: int | None
) -> Generator[tuple[_SourceChunk, CheckedRows]]:
    """Rows as they are written, with what the check of each by itself gave."""
    source, source_map = loaded.definition.recipients, loaded.source_map
    if not isinstance(source, CsvSource):
        checker = RowChecker(loaded)
        for listed in inline_chunks(source, source_map, without, size):
            yield listed, checker.check_rows(listed.rows)
        return
    if loaded.base is None:
        message = "found a contact file, which can't be read from here; write a list of recipients"
        problem = source_map.problem(("recipients", "csv"), "file_not_allowed", message)
        yield CsvChunk(0, None, problems=[(0, problem)]), CheckedRows()
        return
    path = loaded.base / source.csv
    chunks = ContactTable(source, path, source_map).chunks(size)
    with granted(processes_for(path) if processes is None else processes) as count:
        if count:
            with RowProcesses(loaded, count) as beside:
                yield from beside.check(chunks)
        else:
            yield from _in_turn(loaded, chunks)


def _in_turn(
    loaded: LoadedDefinition, chunks: Iterator[CsvChunk]
) -> Iterator[tuple[CsvChunk, CheckedRows]]:
    """The rows of a contact file, checked in this process."""
    checker: CsvRowChecker | None = None
    for chunk in chunks:
        if chunk.layout is None:
            yield chunk, CheckedRows()
            continue
        checker = checker or CsvRowChecker(loaded, chunk.layout)
        yield chunk, checker.check(chunk.position, chunk.lines, chunk.records)


class _Assembly:
    """Puts the chunks of a roster together: each number once, each problem of all rows once."""

    def __init__(self) -> None:
        self._first_lines = FirstLines()
        self._reported: set[ProblemKey] = set()
        self._kept = 0

    def chunk(self, source: _SourceChunk, checked: CheckedRows) -> RosterChunk:
        repeated = self._first_lines.add(checked.numbers, source.lines)
        problems = self._problems(source, checked, repeated)
        room = MAX_PROBLEMS - self._kept
        self._kept += len(problems[:room])
        recipients, kind_of = _without(checked, repeated)
        return RosterChunk(
            rows=len(checked.numbers) + source.unread,
            recipients=tuple(recipients),
            problems=tuple(problems[:room]),
            omitted=len(problems[room:]),
            kinds={checked.kinds[kind]: count for kind, count in Counter(kind_of).items()},
        )

    def _problems(
        self, source: _SourceChunk, checked: CheckedRows, repeated: Mapping[int, int]
    ) -> list[Problem]:
        """In the order of the rows; of one row, those of its values come first."""
        while_reading: dict[int, list[Problem]] = {}
        for at, problem in source.problems:
            while_reading.setdefault(at, []).append(problem)
        problems: list[Problem] = []
        for at in sorted({*while_reading, *checked.faulty, *repeated}):
            problems += while_reading.get(at, ())
            row = checked.faulty.get(at)
            if row is not None:
                problems += (problem for problem, _ in row.problems[: row.of_values])
            if at in repeated:
                problems.append(_repeated(source.phone(at), repeated[at]))
            if row is not None:
                problems += self._unreported(row.problems[row.of_values :])
        return problems

    def _unreported(
        self, problems: Sequence[tuple[Problem, ProblemKey | None]]
    ) -> Iterator[Problem]:
        for problem, key in problems:
            if key is None:
                yield problem
            elif key not in self._reported:
                self._reported.add(key)
                yield problem


def _without(
    checked: CheckedRows, repeated: Mapping[int, int]
) -> tuple[Sequence[LocatedDraft], Sequence[int]]:
    """The recipients whose numbers are new, and their kinds."""
    if not repeated:
        return checked.recipients, checked.kind_of
    good = (at for at in range(len(checked.numbers)) if at not in checked.faulty)
    kept = [
        (recipient, kind)
        for at, recipient, kind in zip(good, checked.recipients, checked.kind_of, strict=True)
        if at not in repeated
    ]
    return [recipient for recipient, _ in kept], [kind for _, kind in kept]


def _repeated(phone: LocatedText, first: int) -> Problem:
    text, cell = phone
    message = (
        f"found {describe_value(text)}, which is on line {first} already; "
        "a campaign calls each number for one person, remove one"
    )
    return cell.problem("repeated_number", message)
