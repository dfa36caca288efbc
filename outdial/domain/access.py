"""Keys to the API: what they may do, and how often."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

EVERYTHING = "*"
CALLS_PER_KEY = 10_000
"""In 24 hours, by default: more than most services make, and less than a leaked key would."""
CALLS_PER_TENANT = 100_000
"""In 24 hours, by default, over all keys."""
_SUBJECTS = (
    "agents",
    "appointments",
    "calls",
    "campaigns",
    "contacts",
    "endpoints",
    "keys",
    "lines",
    "phone_numbers",
    "suppressions",
)
SEND_MAIL = "mail:send"
"""Definitions that send mail through the operator's server."""
USE_SECRETS = "secrets:use"
"""Definitions that name secrets of the settings."""
ACCEPT_RISKS = "risks:accept"
"""Calls for which a calling rule is set aside."""
OVERRIDE_DIALING = "dialing:override"
"""Settings of agents that change what is dialed, and caller ids that are not the line's."""
BEYOND = (ACCEPT_RISKS, OVERRIDE_DIALING, SEND_MAIL, USE_SECRETS)
"""What no other scope implies, except that for everything."""
READ_LOG = "log:read"
"""The log of what operators did; nobody writes to it."""
SCOPES = (
    EVERYTHING,
    *(f"{s}:{may}" for s in _SUBJECTS for may in ("read", "write")),
    READ_LOG,
    *BEYOND,
)


def allows(scopes: tuple[str, ...], scope: str) -> bool:
    """Whether these scopes include the one wanted; a scope to write implies the one to read."""
    subject = scope.partition(":")[0]
    return bool({EVERYTHING, scope, f"{subject}:write"} & set(scopes))


def quota_of(key: ApiKey, *, usual: int) -> int:
    """How many calls a key may request in a day: its own number, else the installation's."""
    return usual if key.calls_per_day is None else key.calls_per_day


def covers(holder: ApiKey, other: ApiKey, *, usual: int) -> bool:
    """Whether a key may do everything that another one may, for at least as long, so that its
    holder gains nothing from the other. `usual` is the quota of keys without one of their own."""
    lasts = holder.expires_at is None or (
        other.expires_at is not None and other.expires_at <= holder.expires_at
    )
    calls = quota_of(other, usual=usual) <= quota_of(holder, usual=usual)
    return lasts and calls and all(allows(holder.scopes, scope) for scope in other.scopes)


def require_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes, sorted, each once. Raises ValueError for an unknown one."""
    for scope in scopes:
        if scope not in SCOPES:
            raise ValueError(f"found scope {scope!r}; known are {', '.join(SCOPES)}")
    if not scopes:
        raise ValueError(f"found no scope; write {EVERYTHING} or some of {', '.join(SCOPES[1:])}")
    return tuple(sorted(set(scopes)))


class ApiKey(BaseModel):
    """A key as it may be shown: without its secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant: str
    name: str
    scopes: tuple[str, ...]
    enabled: bool
    """When off, every request with it is refused."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    previous_until: datetime | None = None
    """Until when the secret before the last rotation is accepted."""
    calls_per_day: int | None = None
    """How many calls it may request in 24 hours, people of campaigns included; None: as many as
    the installation's settings say."""


class Limit(BaseModel):
    """A number of requests within a period, which begins with the first of them."""

    model_config = ConfigDict(frozen=True)

    name: str
    """What is counted, such as `key/1a2b`; counted once for all processes."""
    allowed: int
    within: timedelta


class Usage(BaseModel):
    """How far a limit is used up."""

    model_config = ConfigDict(frozen=True)

    limit: Limit
    used: int
    resets_at: datetime

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit.allowed

    @property
    def remaining(self) -> int:
        return max(0, self.limit.allowed - self.used)
