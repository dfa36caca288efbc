"""Settings of what lies outside: calendars, mail, and where callbacks may go."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from outdial.domain.definition.fields import Duration, parse_zone
from outdial.domain.definition.headers import header_problem
from outdial.resources.outgoing.mail import MailSecurity

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class CalendarSettings(BaseModel):
    """A calendar that others share; one that is not named here lives in our tables alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Literal["caldav"] = "caldav"
    url: str
    """Of the collection, such as https://dav.example.com/clinic/appointments/."""
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    """A reference: env:NAME or file:PATH."""
    token: str | None = Field(default=None, repr=False)
    """A bearer token in place of a password, as Google asks for; a reference: env:NAME or
    file:PATH. A file is read again for each request, so that something else can renew it."""
    time_zone: str = "UTC"
    """Of entries that name none, such as those that take a whole day."""
    request_timeout: Duration = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.token is not None and self.password is not None:
            raise ValueError("found a token and a password; write one of them")
        return self

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
    recipients: tuple[str, ...] = ()
    """Who may be written to: addresses, or whole domains such as @clinic.example.com. Without any,
    the definitions of the command line may write to any address, and those sent by API to none."""

    @field_validator("recipients")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not re.fullmatch(r"[^@\s]*@[^@\s]+", one):
                raise ValueError(f"found {one!r}; write an address, or @ and a domain")
        return tuple(one.lower() for one in value)


class SecretSettings(BaseModel):
    """A bearer token that callbacks send. Whoever writes a definition chooses its URL, so the hosts
    are chosen here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str = Field(repr=False)
    """A reference: env:NAME or file:PATH."""
    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    """Where it may be sent, over https: crm.example.com, or crm.example.com:8443 for another port
    than the usual one. Hosts of callbacks.allow_hosts may be reached over http."""

    @model_validator(mode="before")
    @classmethod
    def _not_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(
                'found a text; write { token = "env:NAME", hosts = ["crm.example.com"] }: a '
                "secret is sent to the hosts that are named here, and nowhere else"
            )
        return value

    @field_validator("hosts")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"found {host!r}; write a host such as crm.example.com")
        return tuple(host.lower() for host in value)


class CallbackSettings(BaseModel):
    """What callbacks of definitions may reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_hosts: tuple[str, ...] = ()
    """Hosts of private networks to which webhooks may be sent all the same."""
    secrets: dict[str, SecretSettings] = Field(default_factory=dict, repr=False)
    """Bearer tokens by the name that definitions use."""
    headers: tuple[str, ...] = ()
    """Headers that definitions which come by API may set besides the usual ones, such as
    Notion-Version. The operator's own files may set any."""

    @field_validator("headers")
    @classmethod
    def _settable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            problem = header_problem(name, has_auth=True)
            if problem is not None:
                raise ValueError(problem)
        return tuple(name.lower() for name in value)
