"""Decisions about a person with several numbers: who loses one of them goes on with the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.consequence import drops_number
from outdial.domain.decision.decision import Candidate, Decision, Dial, Ledger, Never, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.rules.rulebook import Rulebook

NEXT_NUMBER = "next_number"


def decide_person(
    candidate: Candidate,
    others: Sequence[str],
    plan: CallPlan,
    ledger: Ledger,
    now: datetime,
    rulebook: Rulebook,
    *,
    evidence: bool = True,
) -> Decision:
    """What `decide` says; where it would drop the number, when the next one may be called.

    Nothing is known of the next number: it is taken for one that was never called or suppressed.
    """
    decision = decide(candidate, plan, ledger, now, rulebook, evidence=evidence)
    if not isinstance(decision, Never) or not drops_number(decision, others):
        return decision
    person = replace(candidate, suppressed=None, marks={})
    to_next = replace(ledger, to_number=(), ceiling=None)
    then = decide(person, plan, to_next, now, rulebook, evidence=False)
    if isinstance(then, Never):
        return then
    text = f"another number of theirs is next: {decision.reason.text}"
    return Wait(now if isinstance(then, Dial) else then.until, Reason(NEXT_NUMBER, text))
