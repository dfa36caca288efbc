"""A recipient as read from a file or a request, checked and rendered, not enrolled yet."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.rules.consent import Consent


class RecipientDraft(BaseModel):
    """A recipient as read from the definition: numbers in E.164, variables rendered."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    position: int
    """0 for the first row; identifies the row within one launch's source."""
    phone: str
    """E.164."""
    alternate_phones: tuple[str, ...] = ()
    """E.164, in the order in which they are tried; never the phone itself, never one twice."""
    time_zone: str | None = None
    """An IANA name pytz knows, when the row gives one."""
    postal_code: str | None = None
    state: str | None = None
    consent: Consent | None = None
    """What the person consented to, when the row says so."""
    appointment_at: datetime | None = None
    """The start (UTC) of the appointment that the person has already in the campaign's calendar."""
    appointment_uid: str | None = None
    """What that appointment is called in a calendar that others share."""
    appointment_title: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    """What the agent is given."""
