"""Earliest call to recipients of one kind: a bound that holds for each of them, whatever their own
history, so that many can be put off by one decision."""

from __future__ import annotations

from datetime import datetime

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.decision import Candidate, Ledger, Never, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.decision.reasons import Reason
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.domain.rules.rulebook import Rulebook
from outdial.domain.rules.zone import ZoneEvidence

_ANY_CONSENT = Consent(level=ConsentLevel.WRITTEN, proof="assumed for a bound")


def earliest_wait(
    plan: CallPlan, zones: ZoneEvidence, now: datetime, rulebook: Rulebook
) -> Wait | None:
    """Until when nobody with these zones gets a first call; None: some may be called now, or never.

    The recipient that is assumed has consented to everything and was never called: what else is
    known of one can only make the wait longer, or the answer never.
    """
    candidate = Candidate(
        zones=zones.candidates,
        jurisdictions=zones.jurisdictions,
        consent=_ANY_CONSENT,
        destinations=zones.destinations,
    )
    decision = decide(candidate, plan, Ledger(), now, rulebook)
    return decision if isinstance(decision, Wait) else None


def never_by_dates(definition: CampaignDefinition, now: datetime) -> Reason | None:
    """Why nobody can be called under a definition whose lines are known, whoever they are: its end
    has come, or its start is beyond the horizon. None: its dates admit calls.

    The recipient that is assumed may be called at any hour, too.
    """
    of = definition.schedule
    whole_days = {"start": of.start, "end": of.end, "hours": "00:00-24:00", "guard": "0s"}
    changes = {
        "purpose": Purpose.INFORMATIONAL,
        "schedule": Schedule.model_validate(whole_days),
    }
    plan = CallPlan.of(definition.model_copy(update=changes))
    candidate = Candidate(zones=("UTC",), consent=_ANY_CONSENT, promised=True)
    decision = decide(candidate, plan, Ledger(), now)
    return decision.reason if isinstance(decision, Never) else None


class EarliestWaits:
    """`earliest_wait` at one instant, found once for all with the same zones."""

    def __init__(self, plan: CallPlan, rulebook: Rulebook, now: datetime) -> None:
        self._plan = plan
        self._rulebook = rulebook
        self._now = now
        self._waits: dict[tuple[tuple[str, ...], ...], Wait | None] = {}

    def of(self, zones: ZoneEvidence) -> Wait | None:
        kind = (zones.candidates, zones.jurisdictions, zones.destinations)
        if kind not in self._waits:
            self._waits[kind] = earliest_wait(self._plan, zones, self._now, self._rulebook)
        return self._waits[kind]
