"""Keys: made, shown once, rotated, revoked.

`by` is the caller's key; without one the caller is the operator. A key can't create, rotate,
disable or revoke one that has more scopes, or expires later, than itself.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from outdial.domain.access import ApiKey, allows, covers, quota_of, require_scopes
from outdial.domain.definition.fields import format_duration
from outdial.domain.operator import Action, Operation, Operator
from outdial.resources.resources import Resources
from outdial.services.errors import KeyOutranked, NotFound, RequestRefused, ScopeMissing
from outdial.store.access import keys
from outdial.store.compliance.operator_log import note_operation

PREFIX = "od"
_ID_BYTES = 8
_SECRET_BYTES = 32
PAGE = 100
LONGEST = 200
"""No key of ours has more characters."""


@dataclass(frozen=True)
class NewKey:
    """A key with its text, which is shown this once and kept nowhere."""

    key: ApiKey
    text: str


async def create_key(
    ctx: Resources,
    name: str,
    scopes: tuple[str, ...],
    *,
    expires_at: datetime | None = None,
    calls_per_day: int | None = None,
    by: ApiKey | None = None,
) -> NewKey:
    """A key of the context's tenant; without `expires_at` it lasts as long as the one that makes
    it. Raises RequestRefused, ScopeMissing."""
    now = ctx.clock()
    try:
        scopes = require_scopes(scopes)
    except ValueError as error:
        raise RequestRefused(f"scopes: {error}") from error
    if expires_at is not None and expires_at <= now:
        raise RequestRefused(f"expires_at: found {expires_at.isoformat()}, which has passed")
    if calls_per_day is not None and calls_per_day < 0:
        raise RequestRefused(f"calls_per_day: found {calls_per_day}; write 0 or more")
    if by is not None:
        expires_at = _limited_expiry(by, expires_at)
        calls_per_day = _limited_quota(ctx, by, calls_per_day)
        for scope in scopes:
            if not allows(by.scopes, scope):
                raise ScopeMissing(scope)
    new, digest = make_key(
        ctx.tenant, name, scopes, now=now, expires_at=expires_at, calls_per_day=calls_per_day
    )

    def work(s: Session) -> None:
        keys.add_key(s, new.key, digest)
        note_key(s, ctx.tenant, ctx.operator, Action.CREATE, new.key, now=now)

    await ctx.database.write(work)
    return new


def make_key(
    tenant: str,
    name: str,
    scopes: tuple[str, ...],
    *,
    now: datetime,
    expires_at: datetime | None = None,
    calls_per_day: int | None = None,
) -> tuple[NewKey, str]:
    """A key that is to be stored, and the digest of its secret."""
    key = ApiKey(
        id=secrets.token_hex(_ID_BYTES),
        tenant=tenant,
        name=name,
        scopes=scopes,
        enabled=True,
        created_at=now,
        expires_at=expires_at,
        calls_per_day=calls_per_day,
    )
    text, digest = _new_secret(key.id)
    return NewKey(key, text), digest


async def list_keys(ctx: Resources, *, limit: int = PAGE, after: str | None = None) -> list[ApiKey]:
    return await ctx.database.read(
        lambda s: keys.list_keys(s, ctx.tenant, limit=limit, after=after)
    )


async def list_all_keys(ctx: Resources) -> list[ApiKey]:
    """Every key of the context's tenant, page by page."""
    keys_so_far: list[ApiKey] = []
    while True:
        after = keys_so_far[-1].id if keys_so_far else None
        page = await list_keys(ctx, after=after)
        keys_so_far += page
        if len(page) < PAGE:
            return keys_so_far


async def get_key(ctx: Resources, key_id: str) -> ApiKey:
    """A key of the tenant. Raises NotFound."""
    return _require(await ctx.database.read(lambda s: keys.get_key(s, ctx.tenant, key_id)), key_id)


async def rotate_key(
    ctx: Resources,
    key_id: str,
    *,
    grace: timedelta = timedelta(0),
    by: ApiKey | None = None,
) -> NewKey:
    """Another secret for the key; the old one stays good for `grace`.

    Raises NotFound, KeyOutranked.
    """
    text, digest = _new_secret(key_id)
    now = ctx.clock()
    until = now + grace

    def work(s: Session) -> ApiKey | None:
        key = _require_covered(s, ctx, key_id, by)
        grace_kept = {"grace": format_duration(grace)}
        note_key(s, ctx.tenant, ctx.operator, Action.ROTATE, key, grace_kept, now=now)
        return keys.rotate_key(s, ctx.tenant, key_id, digest, previous_until=until)

    return NewKey(_require(await ctx.database.write(work), key_id), text)


async def revoke_key(ctx: Resources, key_id: str, *, by: ApiKey | None = None) -> ApiKey:
    """Revoke the key. Raises NotFound, KeyOutranked."""
    now = ctx.clock()

    def work(s: Session) -> ApiKey | None:
        key = _require_covered(s, ctx, key_id, by)
        if key.revoked_at is not None:
            return key
        note_key(s, ctx.tenant, ctx.operator, Action.REVOKE, key, now=now)
        return keys.change_key(s, ctx.tenant, key_id, revoked_at=now)

    return _require(await ctx.database.write(work), key_id)


async def switch_key(
    ctx: Resources, key_id: str, *, enabled: bool, by: ApiKey | None = None
) -> ApiKey:
    """Disable a key, or enable it again. Raises NotFound, KeyOutranked."""
    now = ctx.clock()

    def work(s: Session) -> ApiKey | None:
        key = _require_covered(s, ctx, key_id, by)
        if key.enabled is not enabled:
            action = Action.ENABLE if enabled else Action.DISABLE
            note_key(s, ctx.tenant, ctx.operator, action, key, now=now)
        return keys.change_key(s, ctx.tenant, key_id, enabled=enabled)

    return _require(await ctx.database.write(work), key_id)


def _require_covered(s: Session, ctx: Resources, key_id: str, by: ApiKey | None) -> ApiKey:
    """The key, which `by` covers. Raises NotFound, KeyOutranked."""
    key = _require(keys.get_key(s, ctx.tenant, key_id), key_id)
    if by is not None and not covers(by, key, usual=ctx.calls_per_key):
        raise KeyOutranked(key_id)
    return key


def note_key(
    s: Session,
    tenant: str,
    by: Operator,
    action: Action,
    key: ApiKey,
    details: dict[str, Any] | None = None,
    *,
    now: datetime,
) -> None:
    """Log what is done to a key."""
    named = {"name": key.name} | (details or {})
    if action is Action.CREATE:
        named |= {"scopes": list(key.scopes)}
    operation = Operation(action, f"key/{key.id}", details=named)
    note_operation(s, tenant, by, operation, now=now)


def _limited_quota(ctx: Resources, by: ApiKey, calls_per_day: int | None) -> int | None:
    """The quota of a key that another one makes: its maker's, unless a smaller one is requested.

    Raises RequestRefused.
    """
    if calls_per_day is None:
        return by.calls_per_day
    most = quota_of(by, usual=ctx.calls_per_key)
    if calls_per_day > most:
        raise RequestRefused(
            f"calls_per_day: found {calls_per_day}, more than the {most} of the key that asks; "
            "write less, or make the key with `outdial keys`"
        )
    return calls_per_day


def _limited_expiry(by: ApiKey, expires_at: datetime | None) -> datetime | None:
    """When a key expires that another one makes. Raises RequestRefused."""
    if by.expires_at is None:
        return expires_at
    if expires_at is not None and expires_at > by.expires_at:
        raise RequestRefused(
            f"expires_at: found {expires_at.isoformat()}, which is later than the key that makes "
            f"it expires; write {by.expires_at.isoformat()} at the latest"
        )
    return expires_at or by.expires_at


def read_key(text: str) -> tuple[str, str] | None:
    """The id and the digest of a key's text; None when it is no key of ours."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not key_id or not secret or len(text) > LONGEST or not text.isascii():
        return None
    return key_id, _digest(text)


def _new_secret(key_id: str) -> tuple[str, str]:
    text = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return text, _digest(text)


def _digest(text: str) -> str:
    """256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(text.encode()).hexdigest()


def _require(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise NotFound("key", key_id)
    return key
