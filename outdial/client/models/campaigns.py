"""Models of the API: campaigns. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.client.models.shared import (
    AnsweredBy,
    CallStatus,
    CampaignState,
    DefinitionDifference,
    RecipientState,
)


class AddedRecipients(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    added: int
    state: CampaignState


class BudgetProgress(BaseModel):
    """A campaign's budget, and what its calls have used of it."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    most: str | None
    per_day: str | None
    per_person: str | None
    spent: str
    reserved: str
    left: str | None
    day: str | None
    spent_of_day: str
    reserved_of_day: str
    left_of_day: str | None
    raised: str
    excess: str
    exhausted: str | None = None


class Campaign(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    purpose: str
    state: CampaignState
    reason: str | None
    line: str
    launch: int
    revision: int
    max_concurrent: int
    direct: bool
    created_at: datetime
    launched_at: datetime
    finished_at: datetime | None


class CampaignProgress(BaseModel):
    """A campaign at a glance; its counts change with the rows they count, so they add up."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    campaign: str
    tenant: str
    state: CampaignState
    launch: int
    recipients: int
    by_state: dict[str, int]
    by_outcome: dict[str, int]
    calls: dict[str, int]
    attempts: int
    in_flight: int
    lines: list[str] = Field(default_factory=list)
    simulated: list[str] = Field(default_factory=list)
    wake_at: datetime | None = None
    reason: str | None = None
    next_call_at: datetime | None = None
    next_call_zone: str | None = None
    budget: BudgetProgress | None = None
    launched_at: datetime
    finished_at: datetime | None = None


class CampaignDetails(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    purpose: str
    state: CampaignState
    reason: str | None
    line: str
    launch: int
    revision: int
    max_concurrent: int
    direct: bool
    created_at: datetime
    launched_at: datetime
    finished_at: datetime | None
    progress: CampaignProgress


class WaitingReason(BaseModel):
    """Recipients that wait, by what for."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    code: str
    people: int
    reason: str
    could_change_it: str
    next_call_at: datetime | None
    next_call_zone: str


class CampaignExplanation(BaseModel):
    """What a campaign waits for."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    campaign: str
    state: CampaignState
    reason: str | None
    at: datetime
    recipients: dict[str, int]
    in_flight: int
    limits: list[str]
    decided: int
    waiting: list[WaitingReason]
    next_call_at: datetime | None
    next_call_zone: str | None


class CampaignPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Campaign]
    next_cursor: str | None = None


class CampaignStateChange(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    state: CampaignState
    revision: int
    noted_only: bool


class UncallableRecipients(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    people: int
    reason: str


class LaunchedCampaign(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    purpose: str
    state: CampaignState
    reason: str | None
    line: str
    launch: int
    revision: int
    max_concurrent: int
    direct: bool
    created_at: datetime
    launched_at: datetime
    finished_at: datetime | None
    created: bool
    differences: list[DefinitionDifference]
    never: list[UncallableRecipients]
    notes: list[str]


class NewRecipient(BaseModel):
    """One recipient written in the definition; keys beyond these become variables."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    phone: str
    """The number to call, with its country code, in quotes."""
    alternate_phones: str | list[str] | None = None
    """Further numbers of the same person, at most 10; a text may hold several, separated by ; or
    |."""
    time_zone: str | None = None
    """The person's IANA time zone, such as America/New_York."""
    postal_code: str | None = None
    """The person's postal code."""
    state: str | None = None
    """The person's state or province."""
    consent: str | None = None
    """What the person consented to: express or written."""
    consent_scope: str | None = None
    """The purpose the consent was given for; else it is this campaign's."""
    consent_proof: str | None = None
    """What proves the consent, such as the id of a form."""
    consent_given_at: str | None = None
    """When the consent was given; a date, a time and an offset."""
    consent_expires_at: str | None = None
    """When the consent expires; a date, a time and an offset."""


class NewRecipients(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    recipients: list[NewRecipient]


class PauseRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    reason: str | None = None


class RecipientResult(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    recipient: int
    phone: str
    state: RecipientState
    outcome: str | None
    reason: str | None
    attempts: int
    not_before: datetime | None
    last_call: str | None
    status: CallStatus | None
    answered_by: AnsweredBy | None
    disposition: str | None
    duration_seconds: float | None
    ended_at: datetime | None
    cost: float | None
    variables: dict[str, str]
    structured: dict[str, Any]


class RecipientResultPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[RecipientResult]
    next_cursor: str | None = None


class RemovedRecipients(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    removed: int
    hung_up: int


class StopRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    reason: str | None = None
    hang_up: bool = False
