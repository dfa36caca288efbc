"""Forecasts, before a launch, which recipients can never be called, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.decision import Candidate, Ledger, Never
from outdial.domain.decision.planner import decide
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.rules.location import RecipientKind
from outdial.domain.rules.rulebook import Rulebook, shipped_rulebook


class Forecast:
    """Counts the recipients of a roster by kind; a kind is decided once."""

    def __init__(self, plan: CallPlan, rulebook: Rulebook, now: datetime) -> None:
        self.plan = plan
        self._rulebook = rulebook
        self._now = now
        self._kinds: Counter[RecipientKind] = Counter()
        self._refused: Counter[str] = Counter()

    def add(self, kinds: Mapping[RecipientKind | str, int]) -> None:
        """Count more recipients by their kinds, as a chunk of a roster does."""
        for kind, count in kinds.items():
            if isinstance(kind, str):
                self._refused[kind] += count
            else:
                self._kinds[kind] += count

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
        retry = self.plan.retry
        for kind, count in self._kinds.items():
            for attempts in range(min(len(retry.dayparts), retry.max_attempts)):
                reason = self._against(kind, attempts)
                if reason is not None:
                    if attempts:
                        reasons[f"attempt {attempts + 1}: {reason}"] += count
                    break
        return [(count, reason) for reason, count in reasons.most_common()]

    def _against(self, kind: RecipientKind, attempts: int) -> str | None:
        candidate = Candidate(
            zones=kind.zones,
            jurisdictions=kind.jurisdictions,
            consent=kind.consent,
            attempts=attempts,
            destinations=kind.destinations,
        )
        decision = decide(candidate, self.plan, Ledger(), self._now, self._rulebook)
        return decision.reason.text if isinstance(decision, Never) else None


def forecast(
    definition: CampaignDefinition, kinds: Mapping[RecipientKind | str, int], now: datetime
) -> Forecast:
    """What the rules that ship say about a definition whose recipients are of these kinds."""
    if not definition.line:
        definition = definition.on_line("any")  # the rules are the same on every line
    forecast = Forecast(CallPlan.of(definition), shipped_rulebook(), now)
    forecast.add(kinds)
    return forecast
