"""Admission of a request: its key, scopes and rate limits, checked in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from outdial.domain.access import ApiKey, Limit, Usage, allows
from outdial.domain.operator import LONGEST_AUTHOR, Operator
from outdial.resources.resources import Resources
from outdial.services.accounts.keys import read_key
from outdial.services.accounts.quotas import quotas_of
from outdial.services.errors import KeyDisabled, KeyRefused, ScopeMissing, TooManyRequests
from outdial.store.access import keys, rates

_NOBODY = "-"
"""In the name of a limit: requests without a good key."""


@dataclass(frozen=True)
class RateRule:
    """A rate limit of an API: so many requests of one key, one address or one tenant."""

    per: str
    """`key`, `address` or `tenant`."""
    allowed: int
    within: timedelta
    group: str = "all"
    """Requests that are counted together."""


@dataclass(frozen=True)
class Caller:
    """An admitted caller, with the resources of its tenant."""

    ctx: Resources
    key: ApiKey
    usages: tuple[Usage, ...]

    def may(self, scope: str) -> bool:
        """Whether the key holds one more scope, for what an answer shows besides."""
        return allows(self.key.scopes, scope)


async def admit(
    ctx: Resources,
    text: str | None,
    *,
    scope: str,
    door: str,
    address: str,
    rules: Sequence[RateRule] = (),
) -> Caller:
    """Authenticate a key, and check its scopes and limits.

    `text` is the key as it came, None without any; `scope` is one or several with spaces between,
    all of which are needed. Raises KeyRefused, KeyDisabled, ScopeMissing,
    TooManyRequests.
    """
    now = ctx.clock()
    shown = None if text is None else read_key(text)

    def work(s: Session) -> tuple[ApiKey | None, list[Usage]]:
        key = None if shown is None else keys.prove_key(s, *shown, now=now)
        good = key if key is not None and _is_good(key, now) else None
        return key, rates.count_requests(s, _limits(rules, door, address, good), now=now)

    key, usages = await ctx.database.write(work)
    exceeded = [usage for usage in usages if usage.exceeded]
    if exceeded:
        longest = max(exceeded, key=lambda usage: usage.resets_at)
        raise TooManyRequests(longest, now)
    if key is None:
        raise KeyRefused("none was sent" if text is None else "there is no such key")
    require_good(key, now)
    for each in scope.split():
        if not allows(key.scopes, each):
            raise ScopeMissing(each)
    return caller_with(ctx, key, door, tuple(usages))


def require_good(key: ApiKey, now: datetime) -> None:
    """Raises KeyRefused for a key that was revoked or has expired, and KeyDisabled."""
    if key.revoked_at is not None:
        raise KeyRefused("it was revoked")
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused("it has expired")
    if not key.enabled:
        raise KeyDisabled


def caller_with(ctx: Resources, key: ApiKey, door: str, usages: tuple[Usage, ...] = ()) -> Caller:
    """The caller with a key that was checked: it has the resources and the quotas of its tenant,
    and is who the operator log names."""
    own = replace(
        ctx,
        tenant=key.tenant,
        lines=ctx.lines.of_tenant(key.tenant),
        quotas=quotas_of(ctx, key),
        operator=Operator(
            door=door, author=f"key {key.name or key.id}"[:LONGEST_AUTHOR], key_id=key.id
        ),
    )
    return Caller(own, key, usages)


def _is_good(key: ApiKey, now: datetime) -> bool:
    lasts = key.expires_at is None or key.expires_at > now
    return key.enabled and key.revoked_at is None and lasts


def _limits(rules: Sequence[RateRule], door: str, address: str, key: ApiKey | None) -> list[Limit]:
    """What this request counts against.

    Requests with a good key are counted apart from all others of their address, and others never
    against a key or a tenant: without a good key a request uses up the limit of its address alone.
    """
    counted = {"address": f"{address}/{_NOBODY}"}
    if key is not None:
        counted = {"address": f"{address}/{key.id}", "key": key.id, "tenant": key.tenant}
    return [
        Limit(
            name=f"{door}/{rule.group}/{rule.per}/{counted[rule.per]}/{rule.within.total_seconds():g}",
            allowed=rule.allowed,
            within=rule.within,
        )
        for rule in rules
        if rule.per in counted
    ]
