"""Forecasts, before a launch, which recipients can never be called, and why."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.decision import Candidate, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook
from outdial.domain.rules.zone import UnknownZone, zone_evidence
from outdial.intake.contacts.roster import read_roster
from outdial.intake.definition import LoadedDefinition

_Kind = tuple[tuple[str, ...], tuple[str, ...], Consent | None, tuple[str, ...]]


class Forecast:
    """Counts the recipients of a roster by kind; a kind is decided once."""

    def __init__(self, plan: CallPlan, rulebook: Rulebook, now: datetime) -> None:
        self._plan = plan
        self._rulebook = rulebook
        self._now = now
        self._kinds: Counter[_Kind] = Counter()
        self._refused: Counter[str] = Counter()

    def add(self, draft: RecipientDraft) -> None:
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
            # What proves it makes no two recipients different, only that something does.
            consent = consent.model_copy(update={"proof": consent.proof and "given"})
        kind = evidence.candidates, evidence.jurisdictions, consent, evidence.destinations
        self._kinds[kind] += 1

    @property
    def recipients(self) -> int:
        return self._kinds.total() + self._refused.total()

    def never(self) -> list[tuple[int, str]]:
        """How many recipients can never be called, for each reason; the most first."""
        reasons = Counter(self._refused)
        for kind, count in self._kinds.items():
            reason = self._against(kind, attempts=0)
            if reason is not None:
                reasons[reason] += count
        return [(count, reason) for reason, count in reasons.most_common()]

    def end_early(self) -> list[tuple[int, str]]:
        """How many recipients end before all their attempts, because the next part of the day
        never comes; the most first."""
        reasons: Counter[str] = Counter()
        retry = self._plan.retry
        for kind, count in self._kinds.items():
            for attempts in range(min(len(retry.dayparts), retry.max_attempts)):
                reason = self._against(kind, attempts)
                if reason is not None:
                    if attempts:
                        reasons[f"attempt {attempts + 1}: {reason}"] += count
                    break
        return [(count, reason) for reason, count in reasons.most_common()]

    def _against(self, kind: _Kind, attempts: int) -> str | None:
        zones, jurisdictions, consent, destinations = kind
        candidate = Candidate(
            zones=zones,
            jurisdictions=jurisdictions,
            consent=consent,
            attempts=attempts,
            destinations=destinations,
        )
        decision = decide(candidate, self._plan, Ledger(), self._now, self._rulebook)
        return decision.reason.text if isinstance(decision, Never) else None


def forecast(loaded: LoadedDefinition, now: datetime) -> Forecast:
    """What the rules that ship say about a definition's recipients. Reads the whole roster.

    Raises DefinitionInvalid as `read_roster` does.
    """
    definition = loaded.definition
    if not definition.line:
        definition = definition.on_line("any")  # the rules are the same on every line
    forecast = Forecast(CallPlan.of(definition), shipped_rulebook(), now)
    for draft in read_roster(loaded):
        forecast.add(draft)
    return forecast
