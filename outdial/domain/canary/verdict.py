"""What becomes of a canary, and the sentences that say why."""

from __future__ import annotations

from enum import StrEnum

from outdial.domain.canary.evidence import (
    ERROR,
    NEEDED,
    ArmTotals,
    Evidence,
    GuardMetric,
)


class CanaryState(StrEnum):
    RUNNING = "running"
    PROMOTED = "promoted"
    """Its revision became the campaign's."""
    ROLLED_BACK = "rolled_back"
    """All recipients have the revision before again."""
    UNDECIDED = "undecided"
    """The campaign was over before enough was observed."""


_WORSE = {
    GuardMetric.ANSWER_RATE: "fewer people answered",
    GuardMetric.OPT_OUTS: "more people opted out",
    GuardMetric.FAILURES: "more calls failed",
    GuardMetric.COST_PER_OUTCOME: "an outcome cost more",
}


def judge(evidence: Evidence, needed: int) -> CanaryState:
    """Taken back once a guard metric is worse, promoted once `needed` recipients of the canary were
    observed; else it goes on."""
    if evidence.e_value(evidence.strongest()) >= NEEDED:
        return CanaryState.ROLLED_BACK
    return CanaryState.PROMOTED if evidence.canary.people >= needed else CanaryState.RUNNING


def reason_for(state: CanaryState, evidence: Evidence) -> str:
    """Why it was promoted or taken back, with the figures."""
    figures = figures_of(evidence)
    strongest = evidence.strongest()
    e_value = f"{evidence.e_value(strongest):,.1f} of {NEEDED:.0f}"
    if state is CanaryState.ROLLED_BACK:
        return f"canary taken back: {_WORSE[strongest]} (evidence {e_value}); {figures}"
    if state is CanaryState.PROMOTED:
        return f"canary promoted: no guard metric is worse (most evidence {e_value}); {figures}"
    return f"canary {state.value.replace('_', ' ')}: {figures}"


def figures_of(evidence: Evidence) -> str:
    """Both arms beside each other: `24 in the canary and 460 others: 41% and 43% answered, …`."""
    canary, rest = evidence.canary, evidence.rest
    parts = [
        f"{_rate(canary.answered, canary)} and {_rate(rest.answered, rest)} answered",
        f"{_rate(canary.opted_out, canary)} and {_rate(rest.opted_out, rest)} opted out",
        f"{_rate(canary.failed, canary)} and {_rate(rest.failed, rest)} failed",
    ]
    if canary.cost or rest.cost:
        parts.append(f"{_cost(canary)} and {_cost(rest)} an outcome")
    return f"{canary.people:,} in the canary and {rest.people:,} others: " + ", ".join(parts)


def bound_in_words() -> str:
    return f"a canary that changes nothing is taken back with a probability of at most {ERROR:.0%}"


def _rate(count: int, of: ArmTotals) -> str:
    return f"{count / of.people:.1%}" if of.people else "none"


def _cost(of: ArmTotals) -> str:
    return f"{of.cost / of.succeeded:.2f}" if of.succeeded else f"{of.cost:.2f} without"
