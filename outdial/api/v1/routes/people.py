"""/v1/people."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.models import CallEvent
from outdial.api.v1.paging import Cursor, Limit, write_cursor
from outdial.api.v1.refusals import refusals
from outdial.api.v1.routes.appointments import Appointment
from outdial.api.v1.routes.calls import place_of
from outdial.api.v1.routes.suppressions import SuppressionChange
from outdial.domain.appointment.appointment import Appointment as StoredAppointment
from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.domain.call.callback_run import CallbackRun, CallbackState
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.clocks import load_zone
from outdial.domain.decision.receipt import Receipt
from outdial.domain.directory import Contact
from outdial.domain.record import RecipientState
from outdial.services.accounts.access import Caller
from outdial.services.compliance import people
from outdial.services.compliance.numbers import parse_number
from outdial.services.compliance.people import NextCall
from outdial.store.roster.person import CallHistory

router = APIRouter(prefix="/people", tags=["people"], route_class=AdmittedRoute)
PAGE = 20
"""Each call is read with its events, its receipt and what followed."""


class PersonCampaign(BaseModel):
    """An open campaign with the person on its roster, and what it does next about them."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    campaign: str
    campaign_state: CampaignState
    recipient: int
    state: RecipientState
    outcome: str | None
    attempts: int
    answer: str
    """`dial`, `wait`, `never` or `done`; `calling` and `settling` during a call."""
    next_call_at: datetime | None
    """The first instant at which everything admits a call, while the campaign runs."""
    next_call_local: datetime | None
    """The same by the person's clock."""
    time_zone: str | None
    reason: str | None
    code: str | None
    """The reason, for programs."""
    could_change_it: str | None

    @classmethod
    def of(cls, coming: NextCall) -> "PersonCampaign":
        campaign, recipient = coming.place.campaign, coming.place.recipient
        zone = next(iter(coming.zones), None)
        local = coming.at.astimezone(load_zone(zone)) if coming.at and zone else None
        return cls(
            campaign=campaign.name,
            campaign_state=campaign.state,
            recipient=recipient.id,
            state=recipient.state,
            outcome=recipient.outcome,
            attempts=recipient.attempts,
            answer=coming.answer,
            next_call_at=coming.at,
            next_call_local=local,
            time_zone=zone,
            reason=coming.reason,
            code=coming.code,
            could_change_it=coming.could_change_it,
        )


class CallReceipt(BaseModel):
    """The evidence of one dial."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    sequence: int
    """Its number in the chain of its campaign."""
    at: datetime
    hash: str
    decision: dict[str, Any]
    """What was decided, and by which evidence."""

    @classmethod
    def of(cls, receipt: Receipt) -> "CallReceipt":
        return cls(
            sequence=receipt.sequence,
            at=receipt.at,
            hash=receipt.hash,
            decision=json.loads(receipt.body),
        )


class CallCallback(BaseModel):
    """One configured action after a call."""

    kind: str
    state: CallbackState
    note: str | None
    result: dict[str, Any] | None

    @classmethod
    def all_of(cls, run: CallbackRun | None) -> list["CallCallback"]:
        return [
            cls(kind=entry.kind, state=entry.state, note=entry.note, result=entry.result)
            for entry in (run.entries if run is not None else ())
        ]


class CallAppointment(BaseModel):
    """An appointment that a call made or changed, as it is now."""

    id: str
    calendar: str
    title: str
    starts_at: datetime
    status: AppointmentStatus

    @classmethod
    def of(cls, appointment: StoredAppointment) -> "CallAppointment":
        return cls(**appointment.model_dump(include=set(cls.model_fields)))


class PersonCall(BaseModel):
    """A telephone call to the person: what was reported of it, and what followed."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    campaign: str
    launch: int
    line: str
    attempt: int
    status: CallStatus
    outcome: str | None
    disposition: str | None
    answered_by: AnsweredBy | None
    failure: FailureClass | None
    detail: str | None
    created_at: datetime
    placed_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    cost: float | None
    structured: dict[str, Any]
    has_transcript: bool
    has_recording: bool
    events: list[CallEvent]
    """Oldest first."""
    receipt: CallReceipt | None
    """None: it was never dialed."""
    callbacks: list[CallCallback]
    appointments: list[CallAppointment] | None
    """Null for a key without the scope `appointments:read`."""

    @classmethod
    def of(cls, history: CallHistory, *, appointments: bool) -> "PersonCall":
        made = {
            "events", "receipt", "callbacks", "appointments", "has_transcript", "has_recording",
        }  # fmt: skip
        call = history.call
        return cls(
            **call.model_dump(include=set(cls.model_fields) - made),
            has_transcript=call.transcript is not None,
            has_recording=call.recording_url is not None,
            events=[CallEvent.of(event) for event in history.events],
            receipt=None if history.receipt is None else CallReceipt.of(history.receipt),
            callbacks=CallCallback.all_of(history.callbacks),
            appointments=[CallAppointment.of(each) for each in history.appointments]
            if appointments
            else None,
        )


class Person(BaseModel):
    """Everything about one telephone number, over all campaigns."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    phone: str
    contact: Contact | None
    """Null where the directory has none, and for a key without the scope `contacts:read`."""
    suppressed: str | None
    """Why the number must not be called, by any campaign; null: it is on no suppression list."""
    suppression_history: list[SuppressionChange] | None
    """Oldest first; null for a key without the scope `suppressions:read`."""
    campaigns: list[PersonCampaign]
    """Open campaigns with the person on their rosters, the newest 20 places first."""
    appointments: list[Appointment] | None
    """Those to come; null for a key without the scope `appointments:read`."""
    calls: list[PersonCall]
    """Newest first, one page of them."""
    next_cursor: str | None
    """The cursor of the next page of calls; null on the last page."""


@router.get("/{phone}", responses=refusals("not_found"))
async def get_person(
    phone: Annotated[str, Path(max_length=50, examples=["+12125550143"])],
    limit: Limit = PAGE,
    cursor: Cursor = None,
    caller: Caller = needs("calls:read campaigns:read"),
) -> Person:
    """Everything about one telephone number, over all campaigns: the calls made to it with their
    events, receipts and what followed, and when each open campaign may call it next, and why.
    Pages are of its calls."""
    number = parse_number(phone)
    person = await people.get_person(caller.ctx, number, limit=limit + 1, after=place_of(cursor))
    calls = person.calls[:limit]
    more = len(person.calls) > limit
    desk = caller.may("appointments:read")
    return Person(
        phone=number,
        contact=person.contact
        if person.contact is not None and caller.may("contacts:read")
        else None,
        suppressed=person.suppressed,
        suppression_history=[
            SuppressionChange(change=c.change, reason=c.reason, source=c.source, at=c.at)
            for c in person.suppression_history
        ]
        if caller.may("suppressions:read")
        else None,
        campaigns=[PersonCampaign.of(each) for each in person.next_calls],
        appointments=[Appointment.of(each) for each in person.appointments] if desk else None,
        calls=[PersonCall.of(each, appointments=desk) for each in calls],
        next_cursor=write_cursor([calls[-1].call.created_at.isoformat(), calls[-1].call.id])
        if more
        else None,
    )
