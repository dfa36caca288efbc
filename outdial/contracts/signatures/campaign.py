"""Activities of `CampaignWorkflow`, and their messages."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from outdial.domain.call.claim import CampaignState, Claim
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.errors import OutdialError
from outdial.domain.operator import Operator
from outdial.domain.record import Progress


class AdditionRefused(OutdialError):
    """Adding it once more would change nothing; the text says why."""

    code = "addition_refused"


class EnrollInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    campaign_id: int
    launch: int


class Enrolled(BaseModel):
    model_config = ConfigDict(frozen=True)

    rows: int


class ClaimInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    campaign_id: int
    key: str
    """Run id and counter: a repeated claim returns the same calls."""
    limit: int = 200
    linger: bool = False
    """Wait a moment first, so that several freed slots are filled by one claim."""


class StateInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    campaign_id: int
    state: CampaignState
    hang_up: bool = False
    reason: str | None = None
    by: Operator | None = None
    """Who asks; None: a message of an older version, or one that names nobody."""


class StateResult(BaseModel):
    model_config = ConfigDict(frozen=True)

    state: CampaignState
    revision: int


class ApplyInput(BaseModel):
    model_config = ConfigDict(frozen=True)

    campaign_id: int
    proposal: str
    """The id of the proposed revision. What is in it stands in no history."""


class CampaignRef(BaseModel):
    model_config = ConfigDict(frozen=True)

    campaign_id: int


class Finish(BaseModel):
    """Whether the campaign is over, and its last figures if so."""

    model_config = ConfigDict(frozen=True)

    over: bool
    progress: Progress | None = None
    look_again: bool = False
    """Not over, though a claim found no recipient left: something was added in between."""


class AddInput(BaseModel):
    """Recipients to add; personal data, so prefer staging them through the service."""

    model_config = ConfigDict(frozen=True)

    campaign_id: int
    launch: int
    recipients: tuple[RecipientDraft, ...] = ()
    """Neither these nor a file: enrol what is staged already."""
    file: str | None = None
    """A contact file in the worker's folder of campaigns."""


class Signalled(BaseModel):
    model_config = ConfigDict(frozen=True)

    calls: int


class CampaignActivities(ABC):
    """Activities of one campaign."""

    @activity.defn(name="enroll_recipients")
    @abstractmethod
    async def enroll_recipients(self, enroll: EnrollInput) -> Enrolled:
        """Enrol what is staged, chunk by chunk, resuming from the heartbeat."""

    @activity.defn(name="claim_calls")
    @abstractmethod
    async def claim_calls(self, claim: ClaimInput) -> Claim:
        """Select recipients and reserve calls within every limit, in one short transaction."""

    @activity.defn(name="set_campaign_state")
    @abstractmethod
    async def set_campaign_state(self, change: StateInput) -> StateResult:
        """Store the state that the operator requested; claim and fence check it."""

    @activity.defn(name="apply_revision")
    @abstractmethod
    async def apply_revision(self, apply: ApplyInput) -> StateResult:
        """Make a proposed revision the present one, once; claim and fence read it there."""

    @activity.defn(name="finish_campaign")
    @abstractmethod
    async def finish_campaign(self, campaign: CampaignRef) -> Finish:
        """Close the campaign when no recipient is left to call and no call is in flight."""

    @activity.defn(name="add_recipients")
    @abstractmethod
    async def add_recipients(self, add: AddInput) -> Enrolled:
        """Add recipients to a campaign that is not over."""

    @activity.defn(name="hang_up_calls")
    @abstractmethod
    async def hang_up_calls(self, campaign: CampaignRef) -> Signalled:
        """Signal every call in flight to hang up."""

    @activity.defn(name="read_progress")
    @abstractmethod
    async def read_progress(self, campaign: CampaignRef) -> Progress:
        """The campaign's figures."""
