"""A roster in one pass: every row read, checked, rendered and located once, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import RecipientSource
from outdial.domain.rules.location import LocatedDraft, RecipientKind, locate
from outdial.intake.contacts.roster import read_drafts
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import MAX_PROBLEMS, Problem
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
    loaded: LoadedDefinition, *, size: int = CHUNK_ROWS, without: Collection[int] = ()
) -> Iterator[RosterChunk]:
    """The roster of a definition in chunks of about `size` rows, in the order of its rows.

    Reading goes on behind a problem, so that all are found: whoever stores the recipients gives
    up what it stored once a chunk has one. `without` leaves out listed recipients, by position,
    whose problems are known already. Memory does not grow with the roster, but for the set of its
    numbers.
    """
    kept, rows_so_far = 0, 0
    for part in _parts(loaded, size, without):
        drafts = [each for each in part if isinstance(each, RecipientDraft)]
        problems = [each for each in part if isinstance(each, Problem)]
        room = MAX_PROBLEMS - kept
        kept += len(problems[:room])
        located = locate(drafts, loaded.definition.schedule.time_zone)
        rows = len(drafts) + len({problem.line for problem in problems})
        rows_so_far += rows
        yield RosterChunk(
            rows=rows,
            recipients=tuple(each for each, _ in located),
            problems=tuple(problems[:room]),
            omitted=len(problems[room:]),
            kinds=Counter(kind for _, kind in located),
        )
    if not rows_so_far and not without:
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


def _parts(
    loaded: LoadedDefinition, size: int, without: Collection[int]
) -> Iterator[list[RecipientDraft | Problem]]:
    part: list[RecipientDraft | Problem] = []
    for each in read_drafts(loaded, without):
        part.append(each)
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
