"""A report as a value: what the command line prints, the API answers and the page shows.

Amounts of money are whole millionths of the currency that the provider bills in. Rates carry a
Wilson interval of 95 %; several attempts to one person count as independent there, which they are
not quite.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from outdial.domain.call.claim import CampaignState
from outdial.domain.report.rate import Rate


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Funnel(_Part):
    """People. Each rate is of those who got through the stage before."""

    enrolled: int
    callable: Rate
    """Of those enrolled: not refused before their first call."""
    attempted: Rate
    """Of those callable: their telephone may have rung at least once."""
    answered_by_person: Rate
    """Of those attempted: a person answered at least once."""
    right_outcome: Rate
    """Of those who answered: a talk came to a right outcome at least once."""


class Answers(_Part):
    """Calls that may have rung and have ended, by who or what answered."""

    attempts: int
    answered_by_person: Rate
    """Of attempts."""
    person_not_confirmed: int
    """Of those: the provider does not say who answered."""
    voicemail: Rate
    screened: Rate
    no_answer: int
    busy: int
    failed: int
    canceled: int
    never_rang: int
    """Calls that ended before they may have rung; none of the attempts."""
    in_flight: int
    """Calls that have not ended; none of the attempts."""
    dialed: int
    """Calls that passed the placement fence, whatever became of them."""


class GroupFigures(_Part):
    """The attempts of one zone, line, agent, caller id or revision."""

    name: str
    attempts: int
    answered_by_person: Rate
    voicemail: int
    screened: int
    right_outcome: Rate
    """Of attempts."""
    talk_seconds: int
    cost_millionths: int | None
    """None: no call of it has a price."""
    outcomes: dict[str, int]


class AttemptHour(_Part):
    """Attempts of one number that were made in one hour of the person's day."""

    attempt: int
    """10 stands for the tenth and later ones."""
    hour: int
    answered_by_person: Rate


class OutcomeFigures(_Part):
    """`calls` ended with it; it is the last one of `people` who are done."""

    outcome: str
    calls: int
    people: int
    cost_millionths: int | None
    cost_per_call_millionths: int | None


class Hour(_Part):
    """One hour in which something happened, in UTC."""

    at: datetime
    attempts: int
    answered_by_person: int
    first_reached: int
    """People whom a call reached for the first time."""


class Bucket(_Part):
    from_seconds: int
    to_seconds: int | None
    """The first second that is none of it."""
    calls: int


class Durations(_Part):
    """Whole seconds; percentiles are of the nearest rank. None: of no calls."""

    calls: int
    total: int
    mean: float | None
    p10: int | None
    p50: int | None
    p90: int | None
    longest: int | None
    buckets: list[Bucket]


class Costs(_Part):
    """None: no call has a price."""

    total_millionths: int | None
    calls_with_price: int
    computed_calls: int
    """Of those: their providers reported no price, and it was computed from their line's."""
    computed_millionths: int | None
    """Of the total."""
    attempts_without_price: int
    answered_without_price: int
    """Of those: they were answered, so that the total is less than what was paid."""
    per_attempt_millionths: int | None
    """Of all that calls cost."""
    per_person_reached_millionths: int | None
    per_right_outcome_millionths: int | None


class Waiting(_Part):
    state: str
    reason: str | None
    people: int


class CallbackFigures(_Part):
    kind: str
    state: str
    callbacks: int


class Named(_Part):
    name: str
    count: int


class Refusal(_Part):
    """People who ended without any call."""

    code: str
    reason: str
    people: int


class ComplianceSummary(_Part):
    receipts: int
    """Of this launch's dials."""
    without_receipt: int
    """Dials that have none."""
    head: str | None
    """Of the campaign's receipts over all launches, as `outdial audit --kept` compares it; None
    before the first."""
    rules: list[Named]
    """Rules that were in force, with how many dials they let pass."""
    rules_versions: list[Named]
    zone_sources: list[Named]
    set_aside: list[Named]
    """Rules that were set aside, with how many dials."""
    refusals: list[Refusal]


class BandPlace(StrEnum):
    """Where a figure lies: inside is between the 10th and the 90th percentile of the runs."""

    BELOW = "below"
    INSIDE = "inside"
    ABOVE = "above"


class ComparedFigure(_Part):
    """A figure of the launch beside the percentiles of its rehearsal."""

    name: str
    p10: float
    p50: float
    p90: float
    real: float | None
    """So far, of a launch that goes on; None: it has none yet."""
    place: BandPlace | None
    """None: the launch goes on, or has no such figure."""


class ComparedHour(_Part):
    """The share of people reached by an instant, beside the percentiles of its rehearsal."""

    at: datetime
    p10: float
    p50: float
    p90: float
    real: float
    place: BandPlace


class BandComparison(_Part):
    """The launch beside its rehearsal. A band of 10 to 90 % leaves one figure in five outside where
    the rehearsal is right."""

    start: datetime
    """When the rehearsal has it launched."""
    runs: int
    recipients: int
    hours_compare: bool
    """False: it was launched more than an hour before or after, so that no hours are compared."""
    figures: list[ComparedFigure]
    hours: list[ComparedHour]
    """Those that have passed."""


class CampaignReport(_Part):
    campaign: str
    purpose: str
    state: CampaignState
    """The campaign's, now."""
    launch: int
    launches: int
    lines: list[str]
    """Those of its calls; of the present launch, those of its plan until it has calls."""
    simulated: list[str]
    """Of these lines, those that lead to the simulated network, where no telephone rings."""
    launched_at: datetime
    finished_at: datetime | None
    """Of the present launch; None for an earlier one too."""
    first_call_at: datetime | None
    last_call_at: datetime | None
    made_at: datetime
    """Rows were read until then; those that changed meanwhile are as they were when read."""
    right_outcomes: list[str] | None
    """Those that were chosen; None: any of a talk with a person but such as `opted_out` or
    `wrong_number`."""
    funnel: Funnel
    answers: Answers
    attempts_by_hour: list[AttemptHour]
    zones: list[GroupFigures]
    lines_used: list[GroupFigures]
    agents: list[GroupFigures]
    caller_ids: list[GroupFigures]
    revisions: list[GroupFigures]
    """By the revision that the call was claimed under."""
    outcomes: list[OutcomeFigures]
    hours: list[Hour]
    talk: Durations
    """Of calls that a person answered."""
    ring: Durations
    """Until an attempt was answered."""
    costs: Costs
    waiting: list[Waiting]
    callbacks: list[CallbackFigures]
    bookings: list[Named]
    """Appointments made in calls, by their present status."""
    compliance: ComplianceSummary
    rehearsal: BandComparison | None = None
    """Given to `outdial report --rehearsal`; None in answers of the API."""

    @property
    def over(self) -> bool:
        """Whether the launch is: an earlier one is, whatever the present one does."""
        return self.launch < self.launches or self.state.over

    @property
    def launch_state(self) -> str:
        return self.state.value if self.launch == self.launches else "over"


class LaunchHeader(_Part):
    """What a report says of its launch, before anything is added up."""

    campaign: str
    purpose: str
    state: CampaignState
    launch: int
    launches: int
    lines: list[str]
    """Those of the plan; empty for an earlier launch, whose plan is not kept."""
    simulated: list[str]
    """All of the tenant's lines on the simulated network."""
    launched_at: datetime
    finished_at: datetime | None
    revisions: tuple[tuple[datetime, int], ...]
    """When each revision of the launch was made, in order."""
    head: str | None
    recipients: int
    calls: int
    """Those of the present launch as they are counted; of an earlier one they are not: 0."""
