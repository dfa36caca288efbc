"""Settings of what lies outside: calendars, mail, and where callbacks may go."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from activities.outgoing.mail import MailSecurity
from domain.fields import Duration, parse_zone


class CalendarSettings(BaseModel):
    """A calendar that others share; one that is not named here lives in our tables alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Literal["caldav"] = "caldav"
    url: str
    """Of the collection, such as https://dav.example.com/clinic/appointments/."""
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    """A reference: env:NAME or file:PATH."""
    time_zone: str = "UTC"
    """Of entries that name none, such as those that take a whole day."""
    request_timeout: Duration = timedelta(seconds=10)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return parse_zone(value)

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(
                f"found {value!r}; write a URL such as https://dav.example.com/clinic/"
            )
        return value


class MailSettings(BaseModel):
    """The mail server that letters are handed to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    sender: str
    """The address that letters come from."""
    security: MailSecurity = MailSecurity.STARTTLS
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    """A reference: env:NAME or file:PATH."""


class CallbackSettings(BaseModel):
    """What callbacks of definitions may reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_hosts: tuple[str, ...] = ()
    """Hosts of private networks to which webhooks may be sent all the same."""
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """Bearer tokens by the name that definitions use; each a reference: env:NAME or file:PATH."""
