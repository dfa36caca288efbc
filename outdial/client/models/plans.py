"""Models of the API: plans. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from outdial.client.models.shared import CampaignState, ConsentLevel, DifferenceEffect


class PlanCap(BaseModel):
    """What is used of a cap before the first call."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    cap: str
    by: str
    used: int
    reached: int


class PlanDifference(BaseModel):
    """A key whose value differs from that of the campaign's present revision."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    path: str
    before: str | None
    after: str | None
    effect: DifferenceEffect


class PlanKeyEffect(BaseModel):
    """What a changed key alone does to the recipients who wait."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    key: str
    sooner: int
    later: int
    canceled: int
    restored: int
    same: int


class PlanChanges(BaseModel):
    """What applying the definition would change of the campaign of that name."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    state: CampaignState
    launch: int
    revision: int
    differences: list[PlanDifference]
    effects: list[PlanKeyEffect]
    waiting: int
    added: int
    missing: int
    in_flight: int
    queued: int


class PlanCost(BaseModel):
    """The most that calls can cost: all attempts to everybody who may be called, each as long as
    a call may last, within the budget."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    total: str
    per_person: str
    by_budget: bool


class PlanFingerprint(BaseModel):
    """The versions of what a plan was made of."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    definition: str
    recipients: str
    rules: str
    zones: str
    campaign: str | None


class PlanExample(BaseModel):
    """One recipient of a group."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    row: int
    phone: str
    reason: str
    until: datetime | None


class PlanReasonText(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    people: int
    reason: str


class PlanReason(BaseModel):
    """Recipients who wait, or are never called, for one reason."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    code: str
    people: int
    texts: list[PlanReasonText]
    first_at: datetime | None
    last_at: datetime | None
    examples: list[PlanExample]


class PlanPart(BaseModel):
    """One group of recipients."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    people: int
    reasons: list[PlanReason]
    examples: list[PlanExample]


class PlanBand(BaseModel):
    """A figure over the runs of a rehearsal."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    p10: float
    p50: float
    p90: float


class PlanFinish(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    p10: datetime
    p50: datetime
    p90: datetime


class PlanZoneHours(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    zone: str
    calls: list[float]


class PlanRehearsal(BaseModel):
    """What the campaign takes, from rehearsals of it in virtual time."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    seeds: list[int]
    people: str
    finish: PlanFinish
    unfinished_runs: int
    calls: PlanBand
    reached: PlanBand
    cost_millionths: PlanBand | None
    calls_by_hour: list[PlanZoneHours]


class PlanRejection(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    file: str
    line: int
    column: int
    field: str
    code: str
    message: str


class PlanRejections(BaseModel):
    """Rows with problems. While there are any, the campaign can't be launched."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    rows: int
    duplicates: int
    problems: list[PlanRejection]
    omitted: int


class PlanBlock(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    jurisdiction: str
    until: datetime
    reason: str


class PlanDay(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    day: str
    hours: list[str]


class PlanRule(BaseModel):
    """A calling rule that applies, with what says so."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    jurisdiction: str
    cite: str
    evidence: str
    windows: list[str]
    holidays: list[str]
    caps: list[str]
    consent: ConsentLevel | None
    note: str | None


class PlanWindow(BaseModel):
    """When people with the same time zones and jurisdictions may be called."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    zones: list[str]
    jurisdictions: list[str]
    people: int
    called: int
    hours: str | None
    days: list[PlanDay]
    open_hours: float
    rules: list[PlanRule]
    accepted_risks: list[str]
    blocks: list[PlanBlock]
    refused: str | None


class CampaignPlan(BaseModel):
    """What a campaign would do if it were launched at `start`."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: str
    inputs: PlanFingerprint
    campaign: str
    start: datetime
    lines: list[str]
    recipients: int
    now: PlanPart
    later: PlanPart
    never: PlanPart
    done: PlanPart
    rejected: PlanRejections
    notes: list[str]
    windows: list[PlanWindow]
    zone_sources: dict[str, int]
    caps: list[PlanCap]
    highest_cost: PlanCost | None
    rehearsal: PlanRehearsal | None
    changes: PlanChanges | None
