"""Inputs, results and messages of the workflows: one model in, one model out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.operator import Operator
from outdial.domain.record import Progress

MAX_RECIPIENTS = 500
"""In one update. They stand in the history, which is no place for people."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class CampaignCarry(Message):
    """What survives continue-as-new; everything else is in the database."""

    enrolled: bool = False


class CampaignInput(Message):
    tenant: str
    campaign: str
    campaign_id: int
    launch: int
    direct: bool = False
    """The campaign for single calls; it never ends."""
    carry: CampaignCarry = CampaignCarry()
    continue_after_events: int | None = None
    """Continue as new at this history length instead of when the server suggests it."""

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, value: Any) -> Any:
        """Inputs of older versions, which stand in histories, say `standing` for `direct`."""
        if isinstance(value, dict) and "standing" in value:
            return {"direct": value["standing"]} | {
                k: v for k, v in value.items() if k != "standing"
            }
        return value


class CampaignResult(Message):
    campaign: str
    state: CampaignState
    recipients: dict[str, int] = Field(default_factory=dict)
    """By final outcome."""
    calls: dict[str, int] = Field(default_factory=dict)
    attempts: int = 0

    @classmethod
    def of(cls, progress: Progress) -> CampaignResult:
        return cls(
            campaign=progress.campaign,
            state=progress.state,
            recipients=progress.by_outcome,
            calls=progress.calls,
            attempts=progress.attempts,
        )


class PauseRequest(Message):
    reason: str | None = None
    by: Operator | None = None
    """Who asks, for the operator log; None: somebody who sent it to the workflow directly."""


class ResumeRequest(Message):
    by: Operator | None = None


class StopRequest(Message):
    hang_up: bool = False
    """Hang up calls in flight instead of letting them end."""
    reason: str | None = None
    by: Operator | None = None


class AddRequest(Message):
    recipients: tuple[RecipientDraft, ...] = ()
    """Neither these nor a file: enrol what was staged in the database."""
    file: str | None = None
    """A contact file in the worker's folder of campaigns, with columns as the campaign's definition
    names them. No person of it stands in the history."""
    oversize: int = 0
    """How many recipients there were, if they were too many to be read: checking the numbers of
    thousands takes longer than a workflow task may. They are not kept."""

    @model_validator(mode="before")
    @classmethod
    def _read_no_more(cls, given: Any) -> Any:
        recipients = given.get("recipients") if isinstance(given, dict) else None
        if isinstance(recipients, list | tuple) and len(recipients) > MAX_RECIPIENTS:
            return {"oversize": len(recipients)}
        return given


class ApplyRequest(Message):
    """A revision that is stored as a proposal: its definition may list people."""

    proposal: str
    campaign_id: int
    launch: int
    revision: int
    """The revision that it was made from."""


class CampaignView(Message):
    state: CampaignState
    revision: int


class CallResult(Message):
    call_id: str
    status: CallStatus
    outcome: str | None = None


class RequestCallInput(Message):
    # An error says which field is wrong; it is shown where a number may not be.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tenant: str
    request: CallRequest
    key: str | None = None
    """Two requests with one key are the same request; default: the workflow id."""


class RequestResult(Message):
    """The final outcome of a requested call."""

    outcome: str
    status: str | None = None
    reason: str | None = None
    attempts: int = 0
    call_id: str | None = None
    duration_seconds: float | None = None


class SweepResult(Message):
    leases: int = 0
    events: int = 0
    campaigns: int = 0


class DeliveryResult(Message):
    sent: int = 0
    """Webhooks that were sent, delivered or not."""


class CallbackRunInput(Message):
    call_id: str
    run: int = 1
    """1, and one more with each retry."""


class CallbackRunResult(Message):
    call_id: str
    done: int
    """Callbacks that were carried out."""
    follow_ups: int = 0
    """Callbacks that need a person."""
    failed: str | None = None
    """The kind of the callback that failed for good."""
