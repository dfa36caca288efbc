"""The recipients of a definition as a whole: checked, or read as drafts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.location import LocatedDraft, RecipientKind
from outdial.domain.rules.zone import ZoneEvidence, ZoneFacts
from outdial.intake.contacts.chunks import RosterChunk, read_chunks, with_recipients
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

    def lines(self) -> list[str]:
        """One line a problem, and `and N more` at the end when some were not kept."""
        return problem_lines(self.problems, self.omitted)

    def require_good(self) -> None:
        """Raise DefinitionInvalid when there is any problem."""
        if self.problems:
            raise DefinitionInvalid(self.problems, self.omitted)


def check_roster(loaded: LoadedDefinition, *, without: Collection[int] = ()) -> RosterCheck:
    """Read, check and render every row; problems are returned, not raised.

    `without` leaves out listed recipients, by position, whose problems are known already.
    """
    problems: list[Problem] = []
    kinds: Counter[RecipientKind | str] = Counter()
    omitted = count = 0
    for chunk in read_chunks(loaded, without=without):
        problems += chunk.problems
        omitted += chunk.omitted
        count += len(chunk.recipients)
        kinds.update(chunk.kinds)
    return RosterCheck(tuple(problems), omitted, count, kinds)


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


def read_roster(loaded: LoadedDefinition) -> Iterator[RecipientDraft]:
    """The recipients, streamed. Raises DefinitionInvalid at the first chunk with a problem."""
    return _drafts(read_chunks(loaded))


def draft_recipients(
    definition: CampaignDefinition, recipients: Sequence[InlineRecipient], *, name: str = "request"
) -> list[RecipientDraft]:
    """Check and render recipients that came in a request, as if the definition listed them.

    Raises DefinitionInvalid with every problem; all are at line 1, distinguished by their path.
    """
    if not recipients:
        return []
    loaded = with_recipients(definition, tuple(recipients), name=name)
    check_roster(loaded).require_good()
    return list(read_roster(loaded))


def _drafts(chunks: Iterator[RosterChunk]) -> Iterator[RecipientDraft]:
    for chunk in chunks:
        if chunk.problems:
            raise DefinitionInvalid(chunk.problems, chunk.omitted)
        yield from map(_draft, chunk.recipients)


def _draft(located: LocatedDraft) -> RecipientDraft:
    zones = located.zones
    facts = ZoneEvidence.model_validate_json(zones).facts if zones is not None else None
    facts = facts or ZoneFacts()
    return RecipientDraft(
        position=located.position,
        phone=located.phone,
        alternate_phones=located.alternate_phones,
        time_zone=facts.own,
        postal_code=facts.postal_code,
        state=facts.state,
        consent=Consent.model_validate_json(located.consent) if located.consent else None,
        appointment_at=located.appointment_at,
        appointment_uid=located.appointment_uid,
        appointment_title=located.appointment_title,
        variables=located.variables,
    )
