"""Calls and contacts as VozAgent's pages show them (docs.vozagent.ai/developers/api)."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from outdial.api.compat.values import Timestamp, whole_seconds
from outdial.api.compat.vozagent.words import STATUS
from outdial.domain.call.request import CallView
from outdial.domain.call.status import BOOKED
from outdial.domain.directory import Contact

Text = Annotated[str | None, Field(max_length=500)]
Notes = Annotated[str | None, Field(max_length=10_000)]


def _tags(value: Any) -> Any:
    """One text may be several tags, with commas between them."""
    if isinstance(value, str):
        return [tag.strip() for tag in value.split(",") if tag.strip()]
    return value


Tags = Annotated[list[str], BeforeValidator(_tags)]


class Order(BaseModel):
    """`POST /v1/calls/outbound`. Fields that it does not know are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "phone_number": "+15551234567",
                    "assistant_name": "Voz",
                    "first_name": "John",
                    "last_name": "Smith",
                    "notes": "Interested in a kitchen remodel quote",
                }
            ]
        }
    )

    phone_number: str = Field(pattern=r"^\+[1-9][0-9]{7,14}$")
    """E.164."""
    assistant_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    assistant_name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """One of the two names who speaks."""
    first_name: Text = None
    last_name: Text = None
    source: Text = None
    tags: Tags | None = None
    notes: Notes = None


class Queued(BaseModel):
    call_id: str
    status: Literal["queued"] = "queued"
    direction: Literal["outbound"] = "outbound"
    to_phone: str
    assistant_name: str
    contact_id: str
    is_new_contact: bool
    created_at: Timestamp


class ListedCall(BaseModel):
    id: str
    contact_id: str | None
    assistant_id: str
    call_type: Literal["outbound"] = "outbound"
    call_status: str
    duration_seconds: int | None
    call_started_at: Timestamp | None
    call_ended_at: Timestamp | None
    appointment_booked: bool
    lead_qualification: str | None
    """`hot`, `warm` or `cold`, where the agent found it out."""
    call_intent: str | None

    @classmethod
    def of(cls, view: CallView, **more: Any) -> Self:
        last = view.last
        structured = last.structured if last else {}
        return cls(
            id=view.id,
            contact_id=view.contact_id,
            assistant_id=view.agent,
            call_status=STATUS[view.status],
            duration_seconds=whole_seconds(last.duration_seconds) if last else None,
            call_started_at=last.answered_at if last else None,
            call_ended_at=last.ended_at if last else None,
            appointment_booked=last is not None and last.disposition == BOOKED,
            lead_qualification=text_in(structured, "lead_qualification"),
            call_intent=text_in(structured, "call_intent"),
            **more,
        )


class Call(ListedCall):
    customer_phone_number: str
    assistant_phone_number: str | None
    transcript: str | None
    analysis_summary: str | None
    recording_url: str | None
    cost: float | None
    """As the line's provider counts it."""
    created_at: Timestamp

    @classmethod
    def with_details(cls, view: CallView) -> Self:
        last = view.last
        return cls.of(
            view,
            customer_phone_number=view.to,
            assistant_phone_number=view.caller_id,
            transcript=last.transcript if last else None,
            analysis_summary=text_in(last.structured, "summary") if last else None,
            recording_url=last.recording_url if last else None,
            cost=last.cost if last else None,
            created_at=view.created_at,
        )


class ChangedContact(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"company": "Updated Company", "notes": "Follow up next week"}]
        }
    )

    first_name: Text = None
    last_name: Text = None
    email: Text = None
    company: Text = None
    notes: Notes = None


class NewContact(ChangedContact):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"first_name": "John", "phone_number": "+15551234567", "tags": ["lead"]}]
        }
    )

    phone_number: str = Field(max_length=50)
    tags: Tags | None = None


class ShownContact(BaseModel):
    id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone_number: str
    company: str | None
    notes: str | None
    tags: list[str]
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, contact: Contact) -> Self:
        named = set(cls.model_fields) - {"phone_number"}
        return cls(phone_number=contact.phone, **contact.model_dump(include=named))


def text_in(structured: dict[str, Any], name: str) -> str | None:
    value = structured.get(name)
    return value if isinstance(value, str) else None
