"""One row of a roster, checked and rendered, before it is enrolled."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from domain.consent import Consent


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
    variables: dict[str, str] = Field(default_factory=dict)
    """What the agent is given."""
