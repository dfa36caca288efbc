"""A plan for programs, as every door shows it: no full telephone number but in problems of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel

from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.differences import Effect
from outdial.domain.definition.fingerprint import PlanFingerprint
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.rules.consent import ConsentLevel
from outdial.domain.rules.rule import Rule
from outdial.intake.problems import Problem
from outdial.rehearsal.outcome import Band, Outcome
from outdial.services.campaigns.plan_changes import PlannedChanges
from outdial.services.campaigns.plan_cost import HighestCost, highest_cost
from outdial.services.campaigns.plan_input import RejectedRows
from outdial.services.campaigns.planning import (
    CampaignPlan,
    PlanGroup,
    PlannedRecipient,
    PlannedWindow,
)

EXAMPLES = 5
"""Recipients that are shown of each reason."""
TEXTS = 5
"""Wordings that are shown of each reason."""
DUPLICATE = "repeated_number"
"""The code of the problem of a number that is listed twice."""


class PlanExample(BaseModel):
    """One recipient of a group."""

    row: int
    """Counted from 1, without the names of columns."""
    phone: str
    """Masked."""
    reason: str
    until: datetime | None


class ReasonText(BaseModel):
    people: int
    reason: str


class PlanReason(BaseModel):
    """Recipients who wait, or are never called, for one reason."""

    code: str
    people: int
    texts: list[ReasonText]
    """Its wordings, the most frequent first; at most five."""
    first_at: datetime | None
    """When the first of those who wait may be called."""
    last_at: datetime | None
    examples: list[PlanExample]

    @classmethod
    def of(cls, code: str, people: Sequence[PlannedRecipient]) -> Self:
        texts = Counter(each.reason for each in people)
        times = [each.until for each in people if each.until is not None]
        return cls(
            code=code,
            people=len(people),
            texts=[ReasonText(people=n, reason=text) for text, n in texts.most_common(TEXTS)],
            first_at=min(times, default=None),
            last_at=max(times, default=None),
            examples=_examples(people),
        )


class PlanPart(BaseModel):
    """One group of recipients."""

    people: int
    reasons: list[PlanReason]
    """The most frequent first; none for those who may be called now."""
    examples: list[PlanExample]

    @classmethod
    def of(cls, plan: CampaignPlan, group: PlanGroup) -> Self:
        people = [each for each in plan.recipients if each.group is group]
        by_code: dict[str, list[PlannedRecipient]] = {}
        for each in people:
            if each.code:
                by_code.setdefault(each.code, []).append(each)
        ordered = sorted(by_code.items(), key=lambda item: -len(item[1]))
        return cls(
            people=len(people),
            reasons=[PlanReason.of(code, some) for code, some in ordered],
            examples=_examples(people),
        )


def _examples(people: Sequence[PlannedRecipient]) -> list[PlanExample]:
    return [
        PlanExample(
            row=each.position + 1,
            phone=mask_phone(each.phone),
            reason=each.reason,
            until=each.until,
        )
        for each in people[:EXAMPLES]
    ]


class RejectedProblem(BaseModel):
    file: str
    line: int
    column: int
    field: str
    code: str
    message: str

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls(
            file=problem.file.rpartition("/")[2],
            line=problem.line,
            column=problem.column,
            field=problem.field,
            code=problem.code,
            message=problem.message,
        )


class RejectedPart(BaseModel):
    """Rows with problems. While there are any, the campaign can't be launched."""

    rows: int
    duplicates: int
    """Numbers that are listed more than once."""
    problems: list[RejectedProblem]
    """The first thousand."""
    omitted: int
    """Problems beyond those."""

    @classmethod
    def of(cls, rejected: RejectedRows) -> Self:
        return cls(
            rows=rejected.rows,
            duplicates=sum(each.code == DUPLICATE for each in rejected.problems),
            problems=[RejectedProblem.of(each) for each in rejected.problems],
            omitted=rejected.omitted,
        )


class CitedRule(BaseModel):
    """A calling rule that applies, with what says so."""

    id: str
    jurisdiction: str
    cite: str
    evidence: str
    windows: list[str]
    """The hours that it allows; none: it has none."""
    holidays: list[str]
    """Calendars on whose days it forbids calls."""
    caps: list[str]
    consent: ConsentLevel | None
    note: str | None

    @classmethod
    def of(cls, rule: Rule) -> Self:
        return cls(
            id=rule.id,
            jurisdiction=rule.jurisdiction,
            cite=rule.cite,
            evidence=rule.evidence,
            windows=[str(window) for window in rule.windows],
            holidays=list(rule.holidays),
            caps=[str(cap) for cap in rule.caps],
            consent=rule.consent,
            note=rule.note,
        )


class DayHours(BaseModel):
    day: str
    """A local date, such as 2026-03-04."""
    hours: list[str]
    """Such as 09:00-18:00; none: closed."""


class BlockedUntil(BaseModel):
    jurisdiction: str
    until: datetime
    reason: str


class PlanWindow(BaseModel):
    """When people with the same time zones and jurisdictions may be called."""

    zones: list[str]
    """All of them have to be open; hours are those of the first."""
    jurisdictions: list[str]
    people: int
    called: int
    """Those of them who are called, now or later."""
    hours: str | None
    """The seven days from the start on, such as `mon-fri 09:00-18:00, sat-sun closed`."""
    days: list[DayHours]
    open_hours: float
    """Hours of these seven days in which telephones may ring."""
    rules: list[CitedRule]
    accepted_risks: list[str]
    """Rules that apply, and are set aside."""
    blocks: list[BlockedUntil]
    refused: str | None
    """Why nobody there is ever called."""

    @classmethod
    def of(cls, window: PlannedWindow) -> Self:
        conditions, week = window.conditions, window.week
        refused = conditions.refused
        return cls(
            zones=list(window.zones),
            jurisdictions=list(window.jurisdictions),
            people=window.people,
            called=window.called,
            hours=None if week is None else str(week),
            days=[
                DayHours(day=each.day.isoformat(), hours=list(each.hours))
                for each in (week.days if week is not None else ())
            ],
            open_hours=round(window.open_hours, 2),
            rules=[CitedRule.of(rule) for rule in conditions.rules],
            accepted_risks=[each["rule"] for each in conditions.evidence["accepted_risks"]],
            blocks=[
                BlockedUntil(jurisdiction=b.jurisdiction, until=b.until, reason=b.reason)
                for b in conditions.blocks
            ],
            refused=None if refused is None else refused[1],
        )


class CapUse(BaseModel):
    """What is used of a cap before the first call."""

    cap: str
    by: str
    """The rule's id, or `campaign`."""
    used: int
    """People to whom some of its calls were made."""
    reached: int
    """People to whom all of them were made: they wait, or are never called."""


class PlanBand(BaseModel):
    """A figure over the runs of a rehearsal."""

    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, band: Band) -> Self:
        return cls(p10=band.low, p50=band.middle, p90=band.high)


class FinishBand(BaseModel):
    p10: datetime
    p50: datetime
    p90: datetime


class ZoneHours(BaseModel):
    zone: str
    calls: list[float]
    """By hour of the day on the zone's clocks, from midnight on; on average over the runs."""


class PlanRehearsal(BaseModel):
    """What the campaign takes, from rehearsals of it in virtual time."""

    seeds: list[int]
    people: str
    """Where the people model's numbers come from."""
    finish: FinishBand
    unfinished_runs: int
    calls: PlanBand
    reached: PlanBand
    """People who answer."""
    cost_millionths: PlanBand | None
    """Millionths of the currency of the lines; null: not all of them have prices."""
    calls_by_hour: list[ZoneHours]

    @classmethod
    def of(cls, outcome: Outcome, people: str) -> Self:
        low, middle, high = outcome.finish()
        cost = outcome.cost()
        return cls(
            seeds=[run.seed for run in outcome.runs],
            people=people,
            finish=FinishBand(p10=low, p50=middle, p90=high),
            unfinished_runs=outcome.unfinished,
            calls=PlanBand.of(outcome.band_of(lambda run: run.calls)),
            reached=PlanBand.of(outcome.band_of(lambda run: run.reached)),
            cost_millionths=None if cost is None else PlanBand.of(cost),
            calls_by_hour=[
                ZoneHours(zone=zone, calls=list(hours))
                for zone, hours in outcome.calls_by_clock_hour().items()
            ],
        )


class PlanCost(BaseModel):
    """The most that calls can cost: all attempts to everybody who may be called, each as long as a
    call may last, within the budget."""

    total: str
    """Such as `500 USD`."""
    per_person: str
    by_budget: bool
    """The budget keeps the total below what all calls could cost."""

    @classmethod
    def of(cls, cost: HighestCost) -> Self:
        return cls(total=str(cost.total), per_person=str(cost.per_person), by_budget=cost.by_budget)


class PlanDifference(BaseModel):
    """A key whose value differs from that of the campaign's present revision."""

    path: str
    before: str | None
    """As YAML has it; null: it is not set."""
    after: str | None
    effect: Effect


class PlanKeyEffect(BaseModel):
    """What a changed key alone does to the recipients who wait."""

    key: str
    sooner: int
    later: int
    canceled: int
    """Never called with the change."""
    restored: int
    """Called with the change alone."""
    same: int


class PlanChanges(BaseModel):
    """What applying the definition would change of the campaign of that name."""

    state: CampaignState
    launch: int
    revision: int
    differences: list[PlanDifference]
    effects: list[PlanKeyEffect]
    """Of the keys that decide when waiting recipients are called."""
    waiting: int
    added: int
    """Rows of people who are new."""
    missing: int
    """Recipients, not done yet, that no row is about: they stay, unless they are to be removed."""
    in_flight: int
    """Calls under way: they run out as they were claimed."""
    queued: int
    """Those of them that are re-evaluated before they are placed."""

    @classmethod
    def of(cls, changes: PlannedChanges) -> Self:
        record = changes.campaign
        return cls(
            state=record.state,
            launch=record.launch,
            revision=record.revision,
            differences=[PlanDifference(**asdict(each)) for each in changes.differences],
            effects=[PlanKeyEffect(**asdict(each)) for each in changes.effects],
            waiting=changes.waiting,
            added=changes.added,
            missing=changes.missing,
            in_flight=changes.in_flight,
            queued=changes.queued,
        )


class PlanDocument(BaseModel):
    """What a campaign would do if it were launched at `start`."""

    id: str
    """Over the content of the definition and its recipients, the versions of rules and zone data,
    and the revision of the campaign of that name. The same id, the same inputs."""
    inputs: PlanFingerprint
    campaign: str
    start: datetime
    lines: list[str]
    recipients: int
    """Without rejected rows."""
    now: PlanPart
    """May be called as soon as a slot is free."""
    later: PlanPart
    """May be called from an instant on."""
    never: PlanPart
    done: PlanPart
    """Done already, in the campaign that goes on; reasons are their outcomes."""
    rejected: RejectedPart
    notes: list[str]
    """What is no problem, and probably not what was meant, such as a column that is not mapped."""
    windows: list[PlanWindow]
    """The most people first."""
    zone_sources: dict[str, int]
    """What the recipients' time zones are worked out from."""
    caps: list[CapUse]
    highest_cost: PlanCost | None
    """Null: a line has no price, or they are in several currencies."""
    rehearsal: PlanRehearsal | None
    """Null: nobody is to be called, or no run was asked for."""
    changes: PlanChanges | None
    """Against the campaign of that name; null: it was never launched."""

    @classmethod
    def of(cls, plan: CampaignPlan, changes: PlannedChanges | None) -> Self:
        rehearsal, outcome, highest = plan.rehearsal, plan.outcome, highest_cost(plan)
        return cls(
            id=plan.given.fingerprint.id,
            inputs=plan.given.fingerprint,
            campaign=rehearsal.name,
            start=rehearsal.start.astimezone(UTC),
            lines=[share.name for share in rehearsal.plan.shares],
            recipients=len(plan.recipients),
            now=PlanPart.of(plan, PlanGroup.NOW),
            later=PlanPart.of(plan, PlanGroup.LATER),
            never=PlanPart.of(plan, PlanGroup.NEVER),
            done=PlanPart.of(plan, PlanGroup.DONE),
            rejected=RejectedPart.of(plan.given.rejected),
            notes=list(plan.given.notes),
            windows=[PlanWindow.of(window) for window in plan.windows],
            zone_sources={source.value: count for source, count in plan.zone_sources().items()},
            caps=[CapUse.model_validate(cap, from_attributes=True) for cap in plan.caps],
            highest_cost=None if highest is None else PlanCost.of(highest),
            rehearsal=(
                None if outcome is None else PlanRehearsal.of(outcome, rehearsal.people.source)
            ),
            changes=None if changes is None else PlanChanges.of(changes),
        )
