"""Models of the API: reports. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from outdial.client.models.shared import CampaignState


class ReportRate(BaseModel):
    """`count` of `of`, and between which shares the true one lies with 95 % confidence."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


class ReportAnswers(BaseModel):
    """Calls that may have rung and have ended, by who or what answered."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    attempts: int
    answered_by_person: ReportRate
    person_not_confirmed: int
    voicemail: ReportRate
    screened: ReportRate
    no_answer: int
    busy: int
    failed: int
    canceled: int
    never_rang: int
    in_flight: int
    dialed: int


class ReportAttemptHour(BaseModel):
    """Attempts of one number that were made in one hour of the person's day."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    attempt: int
    hour: int
    answered_by_person: ReportRate


class ReportCallbacks(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    kind: str
    state: str
    callbacks: int


ReportBandPlace = Literal["below", "inside", "above"] | str
"""Where a figure lies: inside is between the 10th and the 90th percentile of the runs."""


class ReportComparedFigure(BaseModel):
    """A figure of the launch beside the percentiles of its rehearsal."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    p10: float
    p50: float
    p90: float
    real: float | None
    place: ReportBandPlace | None


class ReportComparedHour(BaseModel):
    """The share of people reached by an instant, beside the percentiles of its rehearsal."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    at: datetime
    p10: float
    p50: float
    p90: float
    real: float
    place: ReportBandPlace


class ReportComparison(BaseModel):
    """The launch beside its rehearsal. A band of 10 to 90 % leaves one figure in five outside
    where the rehearsal is right."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    start: datetime
    runs: int
    recipients: int
    hours_compare: bool
    figures: list[ReportComparedFigure]
    hours: list[ReportComparedHour]


class ReportNamedCount(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    count: int


class ReportRefusal(BaseModel):
    """People who ended without any call."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    code: str
    reason: str
    people: int


class ReportCompliance(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    receipts: int
    without_receipt: int
    head: str | None
    rules: list[ReportNamedCount]
    rules_versions: list[ReportNamedCount]
    zone_sources: list[ReportNamedCount]
    set_aside: list[ReportNamedCount]
    refusals: list[ReportRefusal]


class ReportCosts(BaseModel):
    """None: no call has a price."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    total_millionths: int | None
    calls_with_price: int
    computed_calls: int
    computed_millionths: int | None
    attempts_without_price: int
    answered_without_price: int
    per_attempt_millionths: int | None
    per_person_reached_millionths: int | None
    per_right_outcome_millionths: int | None


class ReportBucket(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    from_seconds: int
    to_seconds: int | None
    calls: int


class ReportDurations(BaseModel):
    """Whole seconds; percentiles are of the nearest rank. None: of no calls."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    calls: int
    total: int
    mean: float | None
    p10: int | None
    p50: int | None
    p90: int | None
    longest: int | None
    buckets: list[ReportBucket]


class ReportFunnel(BaseModel):
    """People. Each rate is of those who got through the stage before."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    enrolled: int
    callable: ReportRate
    attempted: ReportRate
    answered_by_person: ReportRate
    right_outcome: ReportRate


class ReportGroup(BaseModel):
    """The attempts of one zone, line, agent, caller id or revision."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    attempts: int
    answered_by_person: ReportRate
    voicemail: int
    screened: int
    right_outcome: ReportRate
    talk_seconds: int
    cost_millionths: int | None
    outcomes: dict[str, int]


class ReportHour(BaseModel):
    """One hour in which something happened, in UTC."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    at: datetime
    attempts: int
    answered_by_person: int
    first_reached: int


class ReportOutcome(BaseModel):
    """`calls` ended with it; it is the last one of `people` who are done."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    outcome: str
    calls: int
    people: int
    cost_millionths: int | None
    cost_per_call_millionths: int | None


class ReportWaiting(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    state: str
    reason: str | None
    people: int


class CampaignReport(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    campaign: str
    purpose: str
    state: CampaignState
    launch: int
    launches: int
    lines: list[str]
    simulated: list[str]
    launched_at: datetime
    finished_at: datetime | None
    first_call_at: datetime | None
    last_call_at: datetime | None
    made_at: datetime
    right_outcomes: list[str] | None
    funnel: ReportFunnel
    answers: ReportAnswers
    attempts_by_hour: list[ReportAttemptHour]
    zones: list[ReportGroup]
    lines_used: list[ReportGroup]
    agents: list[ReportGroup]
    caller_ids: list[ReportGroup]
    revisions: list[ReportGroup]
    outcomes: list[ReportOutcome]
    hours: list[ReportHour]
    talk: ReportDurations
    ring: ReportDurations
    costs: ReportCosts
    waiting: list[ReportWaiting]
    callbacks: list[ReportCallbacks]
    bookings: list[ReportNamedCount]
    compliance: ReportCompliance
    rehearsal: ReportComparison | None = None
