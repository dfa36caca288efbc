"""The roster of a rehearsal: recipients as its engine keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from outdial.domain.call.status import OUTCOME_REFUSED
from outdial.domain.enrolled import EnrolledRecipient
from outdial.domain.line.routing import Marks
from outdial.domain.numbers.phone import subscriber
from outdial.domain.record import RecipientState
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.zone import ZoneEvidence, ZoneSource

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When a recipient is due who need not wait."""
_NO_MARKS: Marks = {}
_NOBODY: Mapping[int, EnrolledRecipient] = {}


@dataclass(slots=True, eq=False)
class Person:
    """One recipient, and where its campaign has got with it."""

    id: int
    position: int
    phone: str
    """The number that is called next."""
    others: tuple[str, ...]
    zones: ZoneEvidence
    consent: Consent | None = None
    state: RecipientState = RecipientState.WAITING
    attempts: int = 0
    calls: int = 0
    outcome: str | None = None
    reason: str = ""
    not_before: datetime | None = None
    due_at: datetime = AT_ONCE
    closes_at: datetime = AT_ONCE
    """When the window closes of one who is ready."""
    turn: int = 1
    """0: has a time of its own, and goes first."""
    promised: bool = False
    marks: Marks = field(default_factory=lambda: _NO_MARKS)
    outcomes: tuple[str, ...] = ()
    """Of earlier attempts, oldest first."""
    waits_since: datetime = AT_ONCE
    """Since when nothing but a free slot is waited for."""

    @property
    def done(self) -> bool:
        return self.state is RecipientState.DONE

    @property
    def subscribers(self) -> tuple[str, ...]:
        """All numbers of the person, each in its canonical form."""
        if not self.others:
            return (subscriber(self.phone),)
        return tuple(map(subscriber, (self.phone, *self.others)))

    @property
    def zone(self) -> str:
        """The first of the zones that the person may be in."""
        return self.zones.candidates[0]

    def use_next_number(self) -> None:
        """Drop the number for good."""
        self.phone, *others = self.others
        self.others, self.marks = tuple(others), {}


class RosterReader:
    """Makes persons of located drafts; those alike share what they have in common."""

    def __init__(self) -> None:
        self._zones: dict[str, ZoneEvidence] = {}
        self._alike: dict[tuple[object, ...], ZoneEvidence] = {}
        self._consents: dict[str, Consent] = {}

    def people(
        self,
        drafts: Iterable[LocatedDraft],
        enrolled: Mapping[int, EnrolledRecipient] = _NOBODY,
    ) -> Iterator[Person]:
        """In their order. Those who are refused are done already; `enrolled` are those of a
        campaign that goes on, by position."""
        for draft in drafts:
            person = self._person(draft)
            before = enrolled.get(draft.position)
            if before is not None:
                self._resume(person, before)
            yield person

    def _resume(self, person: Person, before: EnrolledRecipient) -> None:
        """Go on where the campaign has got with a recipient. A call that is under way is made
        again: nobody knows yet what becomes of it."""
        person.state = RecipientState.DONE if before.done else RecipientState.WAITING
        person.phone, person.others = before.phone, before.others
        person.outcome, person.reason = before.outcome, before.reason
        person.attempts = person.calls = before.attempts
        person.outcomes, person.marks = before.outcomes, before.marks
        person.not_before, person.promised = before.not_before, before.promised
        person.turn = 0 if before.attempts else 1
        if before.not_before is not None:
            person.due_at = before.not_before
        if before.zones is not None:
            person.zones = self._evidence(before.zones)
        person.consent = None if before.consent is None else self._consent(before.consent)

    def _person(self, draft: LocatedDraft) -> Person:
        person = Person(
            id=draft.position + 1,
            position=draft.position,
            phone=draft.phone,
            others=draft.alternate_phones,
            zones=_NOWHERE if draft.zones is None else self._evidence(draft.zones),
            consent=None if draft.consent is None else self._consent(draft.consent),
        )
        if draft.refusal is not None:
            person.state, person.outcome = RecipientState.DONE, OUTCOME_REFUSED
            person.reason = draft.refusal
        return person

    def _evidence(self, text: str) -> ZoneEvidence:
        evidence = self._zones.get(text)
        if evidence is None:
            read = ZoneEvidence.model_validate_json(text)
            kind = (read.candidates, read.jurisdictions, read.destinations, read.source)
            # The address that it was worked out from is of no further use.
            evidence = self._alike.setdefault(kind, read)
            if len(self._zones) < _MOST_REMEMBERED:
                self._zones[text] = evidence
        return evidence

    def _consent(self, text: str) -> Consent:
        consent = self._consents.get(text)
        if consent is None:
            consent = self._consents[text] = Consent.model_validate_json(text)
        return consent


_MOST_REMEMBERED = 20_000
_NOWHERE = ZoneEvidence(candidates=("UTC",), source=ZoneSource.CAMPAIGN_DEFAULT)
"""Of those who are refused, for whom no decision is made."""
