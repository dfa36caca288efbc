"""Contacts as Voxanne's public source shows them, kept as our own.

Its lead status is one of our tags, so that it can be looked for; what else only it has is in the
contact's metadata.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from outdial.api.compat.values import Milliseconds
from outdial.api.compat.voxanne.models.appointments import Appointment
from outdial.api.compat.voxanne.models.calls import Call
from outdial.domain.directory import Contact as Kept

Lead = Literal["hot", "warm", "cold"]
_TAG = "lead:"
Name = Annotated[str, Field(min_length=1, max_length=500)]
_Services = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]


class ChangedContact(BaseModel):
    """What is left out stays as it is; fields that are not known are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"notes": "prefers mornings"}]})

    name: Name | None = None
    email: Annotated[str, Field(max_length=500)] | None = None
    serviceInterests: _Services | None = None
    notes: Annotated[str, Field(max_length=20_000)] | None = None
    leadStatus: Lead | None = None


class NewContact(ChangedContact):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Jane Doe", "phone": "+14155551234"}]}
    )

    name: Name
    phone: Annotated[str, Field(min_length=10, max_length=50)]


class Contact(BaseModel):
    id: str
    contact_name: str | None
    name: str | None
    phone_number: str
    phone: str
    email: str | None
    last_contact_time: Milliseconds | None
    booking_source: str | None = None
    notes: str | None
    services_interested: list[str]
    lead_score: int | None = None
    lead_status: str
    created_at: Milliseconds
    updated_at: Milliseconds

    @classmethod
    def of(cls, kept: Kept) -> "Contact":
        return cls(**_shown(kept, None))


class ContactDetails(Contact):
    call_history: list[Call]
    appointment_history: list[Appointment]
    total_calls: int
    total_appointments: int

    @classmethod
    def with_history(
        cls, kept: Kept, calls: list[Call], total: int, appointments: list[Appointment], booked: int
    ) -> "ContactDetails":
        reached = calls[0].created_at if calls else None
        return cls(
            **_shown(kept, reached),
            call_history=calls,
            appointment_history=appointments,
            total_calls=total,
            total_appointments=booked,
        )


def lead_tag(lead: Lead) -> str:
    return f"{_TAG}{lead}"


def values_of(body: ChangedContact, before: Kept | None) -> dict[str, Any]:
    """Our own fields of a contact, for those that were sent."""
    sent = body.model_dump(exclude_unset=True)
    values: dict[str, Any] = {key: sent[key] for key in ("email", "notes", "phone") if key in sent}
    if sent.get("name"):
        first, _, rest = sent["name"].strip().partition(" ")
        values |= {"first_name": first, "last_name": rest.strip() or None}
    lead = body.leadStatus or ("warm" if before is None else None)
    if lead is not None:
        others = [] if before is None else [t for t in before.tags if not t.startswith(_TAG)]
        values["tags"] = [*others, lead_tag(lead)]
    if body.serviceInterests is not None:
        metadata = {} if before is None else before.metadata
        values["metadata"] = metadata | {"services_interested": body.serviceInterests}
    return values


def name_of(kept: Kept) -> str | None:
    return " ".join(filter(None, (kept.first_name, kept.last_name))) or None


def _shown(kept: Kept, reached: Milliseconds | None) -> dict[str, Any]:
    leads = [tag.removeprefix(_TAG) for tag in kept.tags if tag.startswith(_TAG)]
    return {
        "id": kept.id,
        "contact_name": name_of(kept),
        "name": name_of(kept),
        "phone_number": kept.phone,
        "phone": kept.phone,
        "email": kept.email,
        "last_contact_time": reached,
        "notes": kept.notes,
        "services_interested": kept.metadata.get("services_interested", []),
        "lead_status": leads[0] if leads else "warm",
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
    }
