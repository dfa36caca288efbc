"""What is known before a launch about who can never be called, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.consent import Consent
from domain.place import UnknownPlace
from domain.plan import CallPlan
from domain.planner import Candidate, Ledger, Never, decide
from domain.roster import RecipientDraft
from domain.rulebook import Rulebook
from domain.zone import UnknownZone, zone_evidence

_Kind = tuple[tuple[str, ...], tuple[str, ...], Consent | None]


class Forecast:
    """Watches a roster go by; people of one kind are decided once."""

    def __init__(self, plan: CallPlan, rulebook: Rulebook, now: datetime) -> None:
        self._plan = plan
        self._rulebook = rulebook
        self._now = now
        self._kinds: Counter[_Kind] = Counter()
        self._refused: Counter[str] = Counter()

    def watching(self, drafts: Iterable[RecipientDraft]) -> Iterator[RecipientDraft]:
        for draft in drafts:
            self._add(draft)
            yield draft

    def _add(self, draft: RecipientDraft) -> None:
        try:
            evidence = zone_evidence(
                draft.phone,
                own=draft.time_zone,
                campaign_default=self._plan.schedule.time_zone,
                state=draft.state,
                postal_code=draft.postal_code,
                others=draft.alternate_phones,
            )
        except (UnknownZone, UnknownPlace) as error:
            self._refused[str(error)] += 1
            return
        consent = draft.consent
        if consent is not None:
            # What proves it makes no two people different, only that something does.
            consent = consent.model_copy(update={"proof": consent.proof and "given"})
        self._kinds[evidence.candidates, evidence.jurisdictions, consent] += 1

    @property
    def people(self) -> int:
        return self._kinds.total() + self._refused.total()

    def never(self) -> list[tuple[int, str]]:
        """How many people can never be called, for each reason; the most first."""
        told = Counter(self._refused)
        for (zones, jurisdictions, consent), count in self._kinds.items():
            candidate = Candidate(zones=zones, jurisdictions=jurisdictions, consent=consent)
            decision = decide(candidate, self._plan, Ledger(), self._now, self._rulebook)
            if isinstance(decision, Never):
                told[decision.because.text] += count
        return [(count, reason) for reason, count in told.most_common()]
