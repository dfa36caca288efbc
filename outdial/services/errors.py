"""Errors of services. CLI and API map each to an exit code or an HTTP status.

ServiceError
├── NoSuchCampaign        no campaign of this name
├── LaunchClosing         its last launch has ended, but its workflow has not closed yet
├── NoCallableRecipients  a launch of which no recipient could ever be called
├── NoSuchPerson          nobody on the roster has this number
├── RulesInvalid          invalid rules, or an unknown place
├── ChangeRefused         the campaign's state does not allow that
├── RequestRefused        the request is invalid, or not allowed
├── NotFound              the tenant has no such thing
├── Collision             it was changed meanwhile, or exists already
│   └── RequestInProgress the first request with this Idempotency-Key has no answer yet
├── PreconditionFailed    its version is not the expected one
├── StalePlan             the plan was made of other inputs
├── KeyRefused            no key, or one that is unknown, expired or revoked
├── KeyDisabled           the key is switched off
├── ScopeMissing          the key may not do that
├── KeyOutranked          the key to change may do more, or lasts longer, than the caller's
├── NotOffered            no configured line can do that
├── ReportTooLarge        more rows than an API process reads for one report
├── PlanTooLarge          more recipients than an API process reads for one plan
└── TooManyRequests       a limit is used up
    └── QuotaUsedUp       the daily calls of a key or a tenant are used up

Errors of Temporal are in `outdial.dispatch.errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from outdial.domain.access import Usage
from outdial.domain.errors import OutdialError


class ServiceError(OutdialError):
    """A refused operation; the text says why, and what would be right."""

    code = "service_error"


class NoSuchCampaign(ServiceError):
    code = "no_such_campaign"

    def __init__(self, name: str, names: Sequence[str], *, every: bool = True) -> None:
        """`names` are those of all campaigns, or with `every=False` of those beside it."""
        listed = ", ".join(names) if names else "none has been launched yet"
        which = "known are" if every else "beside it in the alphabet are"
        super().__init__(f"there is no campaign {name!r}; {which}: {listed}")
        self.name = name


def recipients(count: int) -> str:
    """`1 recipient`, `2 recipients`."""
    return "1 recipient" if count == 1 else f"{count} recipients"


class NoCallableRecipients(ServiceError):
    code = "no_callable_recipients"

    def __init__(self, name: str, never: Sequence[tuple[int, str]]) -> None:
        reasons = "; ".join(f"{recipients(count)}: {reason}" for count, reason in never[:5])
        super().__init__(f"no recipient of {name} can ever be called: {reasons}")


class NoSuchPerson(ServiceError):
    code = "no_such_recipient"

    def __init__(self, name: str, masked: str) -> None:
        super().__init__(f"nobody on the roster of {name} has the number {masked}")


class RulesInvalid(ServiceError):
    """Its text says what was found and what would be right, a line for each problem."""

    code = "rules_invalid"


class LaunchClosing(ServiceError):
    code = "launch_closing"

    def __init__(self, name: str) -> None:
        super().__init__(f"the last launch of {name} is still being closed; try again in a moment")


class ChangeRefused(ServiceError):
    """Its text is the store's own."""

    code = "change_refused"


class RequestRefused(ServiceError):
    """Its text says what is wrong with the request."""

    code = "request_refused"


class NotFound(ServiceError):
    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.kind = kind


class Collision(ServiceError):
    """Its text says with what."""

    code = "conflict"


class RequestInProgress(Collision):
    code = "request_in_progress"
    retry_after = 2
    """Seconds. It is unknown when the first request is answered."""

    def __init__(self) -> None:
        super().__init__(
            "a request with this Idempotency-Key is being carried out; send it again in "
            f"{self.retry_after} s"
        )


class StalePlan(ServiceError):
    """A plan that was made of other inputs than there are now; its text says what has changed."""

    code = "stale_plan"


class PreconditionFailed(ServiceError):
    code = "precondition_failed"

    def __init__(self, kind: str, version: int) -> None:
        super().__init__(f"the {kind} was changed meanwhile; it is at version {version} now")


class KeyRefused(ServiceError):
    code = "key_refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"a key is needed, and {why}; send it as Authorization: Bearer <key>")


class KeyDisabled(ServiceError):
    code = "key_disabled"

    def __init__(self) -> None:
        super().__init__("the key is switched off; whoever made it can switch it on again")


class ScopeMissing(ServiceError):
    code = "scope_missing"

    def __init__(self, scope: str, what: str | None = None) -> None:
        why = f" ({what})" if what else ""
        super().__init__(f"the key may not do that; it needs the scope {scope}{why}")
        self.scope = scope


class KeyOutranked(ServiceError):
    code = "key_outranked"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"the key {key_id!r} may do more, or lasts longer, than the key that asks; use a key "
            "that has all its scopes and does not expire before it, or `outdial keys`"
        )


class NotOffered(ServiceError):
    """Its text says what is missing."""

    code = "not_offered"


class ReportTooLarge(ServiceError):
    code = "report_too_large"

    def __init__(self, name: str, rows: int, most: int) -> None:
        super().__init__(
            f"the launch has {rows:,} recipients and calls, and a report is made here of up to "
            f"{most:,}; run `outdial report {name}` beside the database"
        )


class PlanTooLarge(ServiceError):
    code = "plan_too_large"

    def __init__(self, rows: int, most: int) -> None:
        super().__init__(
            f"the definition and its campaign have {rows:,} recipients, and a plan is made "
            f"here of up to {most:,}; run `outdial plan` beside the database"
        )


class TooManyRequests(ServiceError):
    code = "too_many_requests"

    def __init__(self, usage: Usage, now: datetime) -> None:
        self.usage = usage
        self.retry_after = max(1, ceil((usage.resets_at - now).total_seconds()))
        """Whole seconds, from 1."""
        super().__init__(
            f"more than {usage.limit.allowed} requests in "
            f"{usage.limit.within.total_seconds():g} s; try again in {self.retry_after} s"
        )


class QuotaUsedUp(TooManyRequests):
    code = "quota_used_up"

    def __init__(self, usage: Usage, calls: int, now: datetime) -> None:
        super().__init__(usage, now)
        limit = usage.limit
        whose = "this key" if limit.name.startswith("calls/key/") else "this tenant"
        left = max(0, limit.allowed - (usage.used - calls))
        self.args = (
            f"{whose} may ask for {limit.allowed} calls in 24 hours and has {left} left, which "
            f"{calls} would exceed; try again in {self.retry_after} s, or have the quota raised",
        )
