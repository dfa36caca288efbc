"""Plans a campaign before anything is dialed: who would be called, who later and who never, when
telephones may ring, and what it takes.

Who is called is decided by the engine's own decision about each recipient; what it takes is
rehearsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from outdial.domain.call.status import OUTCOME_REFUSED
from outdial.domain.decision.conditions import Conditions, conditions_of
from outdial.domain.decision.decision import Never, Wait
from outdial.domain.decision.windows import WeekWindows, week_windows
from outdial.domain.rules.zone import ZoneEvidence, ZoneSource
from outdial.rehearsal.first_decisions import FirstDecision, first_decisions
from outdial.rehearsal.outcome import Outcome
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.services.campaigns.plan_input import PlanInput
from outdial.services.campaigns.rehearsal_processes import Interruption
from outdial.services.campaigns.rehearsing import Progress, rehearse


class PlanGroup(StrEnum):
    """What would become of a recipient."""

    NOW = "now"
    """May be called as soon as a slot is free."""
    LATER = "later"
    """May be called from an instant on."""
    NEVER = "never"
    """Is never called."""
    DONE = "done"
    """Is done already, in the campaign that goes on."""


_Kind = tuple[tuple[str, ...], tuple[str, ...]]
"""Time zones and jurisdictions of recipients."""


class PlannedRecipient(NamedTuple):
    """One recipient, and the decision about it at the start of the plan."""

    position: int
    """0 for the first row."""
    phone: str
    """E.164; of several, the one that is called first."""
    group: PlanGroup
    code: str
    """Of the reason; nothing for one who may be called now."""
    reason: str
    until: datetime | None
    """From when on one may be called who waits."""
    zones: ZoneEvidence | None
    """None for one whose time zone is unknown, or whose number is not called."""


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """When people with the same time zones and jurisdictions may be called, and by what rules."""

    zones: tuple[str, ...]
    """All of them have to be open. The hours are shown in the first."""
    jurisdictions: tuple[str, ...]
    people: int
    called: int
    """Those of them who are called, now or later."""
    conditions: Conditions
    week: WeekWindows | None
    """The seven days from the start on; None: nobody there is ever called."""

    @property
    def open_hours(self) -> float:
        """Hours of these seven days in which telephones may ring."""
        return 0.0 if self.week is None else self.week.open_time.total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class PlannedCap:
    """What is used of a cap before the first call."""

    cap: str
    by: str
    """The rule's id, or `campaign`."""
    used: int
    """People to whom some of its calls were made."""
    reached: int
    """People to whom all of them were made."""


@dataclass(frozen=True)
class CampaignPlan:
    """What a campaign would do."""

    given: PlanInput
    recipients: tuple[PlannedRecipient, ...]
    """In the order of the roster."""
    windows: tuple[PlannedWindow, ...]
    """Those with the most people first."""
    caps: tuple[PlannedCap, ...]
    outcome: Outcome | None
    """Of its rehearsal; None: none was asked for, or nobody is to be called."""

    @property
    def rehearsal(self) -> Rehearsal:
        return self.given.rehearsal

    def count(self, group: PlanGroup) -> int:
        return sum(each.group is group for each in self.recipients)

    @property
    def never_share(self) -> float:
        """The share of the recipients who are never called."""
        return self.count(PlanGroup.NEVER) / len(self.recipients) if self.recipients else 0.0

    def zone_sources(self) -> dict[ZoneSource, int]:
        """How many recipients have time zones of each source; the most first."""
        sources = Counter(each.zones.source for each in self.recipients if each.zones is not None)
        return dict(sources.most_common())


def make_plan(
    given: PlanInput,
    seeds: Sequence[int],
    *,
    progress: Progress | None = None,
    interruption: Interruption | None = None,
) -> CampaignPlan:
    """Decide about every recipient, and rehearse the campaign once for each seed. Raises
    RehearsalFailed."""
    decided = list(first_decisions(given.rehearsal))
    recipients = tuple(_planned(each) for each in decided)
    outcome = None
    if seeds and any(each.group in (PlanGroup.NOW, PlanGroup.LATER) for each in recipients):
        outcome = rehearse(given.rehearsal, seeds, progress=progress, interruption=interruption)
    return CampaignPlan(
        given,
        recipients,
        tuple(_windows(given.rehearsal, recipients)),
        tuple(_caps(given.rehearsal, decided)),
        outcome,
    )


def _planned(first: FirstDecision) -> PlannedRecipient:
    person, decision = first.person, first.decision
    group, code, reason, until = PlanGroup.NOW, "", "", None
    if decision is None:
        refused = person.outcome == OUTCOME_REFUSED and not person.attempts
        group = PlanGroup.NEVER if refused else PlanGroup.DONE
        code, reason = person.outcome or "", person.reason
    elif isinstance(decision, Never):
        group, code, reason = PlanGroup.NEVER, decision.reason.code, decision.reason.text
    elif isinstance(decision, Wait):
        group, code, reason = PlanGroup.LATER, decision.reason.code, decision.reason.text
        until = decision.until
    zones = None if decision is None else person.zones
    return PlannedRecipient(person.position, person.phone, group, code, reason, until, zones)


def _windows(of: Rehearsal, recipients: Iterable[PlannedRecipient]) -> list[PlannedWindow]:
    kinds, called = Counter[_Kind](), Counter[_Kind]()
    for each in recipients:
        if each.zones is not None:
            kind = each.zones.candidates, each.zones.jurisdictions
            kinds[kind] += 1
            called[kind] += each.group in (PlanGroup.NOW, PlanGroup.LATER)
    return [_window(of, kind, people, called[kind]) for kind, people in kinds.most_common()]


def _window(of: Rehearsal, kind: _Kind, people: int, called: int) -> PlannedWindow:
    zones, jurisdictions = kind
    conditions = conditions_of(of.plan, of.rulebook, zones, jurisdictions)
    start = of.start if of.plan.schedule.start is None else max(of.start, of.plan.schedule.start)
    week = None
    if conditions.refused is None:
        week = week_windows(conditions, start, zones[0])
    return PlannedWindow(zones, jurisdictions, people, called, conditions, week)


def _caps(of: Rehearsal, decided: Iterable[FirstDecision]) -> list[PlannedCap]:
    used, reached = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for person, ledger, decision in decided:
        if decision is None:
            continue
        zones = person.zones
        conditions = conditions_of(of.plan, of.rulebook, zones.candidates, zones.jurisdictions)
        for bound in conditions.caps:
            cap = str(bound.cap), bound.rule.id if bound.rule else "campaign"
            made = ledger.used(bound.cap, of.start)
            used[cap] += made > 0
            reached[cap] += made >= bound.cap.calls
    return [PlannedCap(cap, by, count, reached[cap, by]) for (cap, by), count in used.items()]
