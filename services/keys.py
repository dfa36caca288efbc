"""Keys: made, shown once, rotated, revoked."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.access import ApiKey, require_scopes
from services.context import ServiceContext
from services.errors import NotFound, RequestRefused
from store import keys

PREFIX = "od"
_ID_BYTES = 8
_SECRET_BYTES = 32
PAGE = 100


@dataclass(frozen=True)
class NewKey:
    """A key with its text, which is shown this once and kept nowhere."""

    key: ApiKey
    text: str


async def create_key(
    ctx: ServiceContext,
    name: str,
    scopes: tuple[str, ...],
    *,
    expires_at: datetime | None = None,
) -> NewKey:
    """A key of the context's tenant. Raises RequestRefused."""
    now = ctx.clock()
    try:
        scopes = require_scopes(scopes)
    except ValueError as error:
        raise RequestRefused(f"scopes: {error}") from error
    if expires_at is not None and expires_at <= now:
        raise RequestRefused(f"expires_at: found {expires_at.isoformat()}, which has passed")
    key = ApiKey(
        id=secrets.token_hex(_ID_BYTES),
        tenant=ctx.tenant,
        name=name,
        scopes=scopes,
        enabled=True,
        created_at=now,
        expires_at=expires_at,
    )
    text, digest = _new_secret(key.id)
    await ctx.database.write(lambda s: keys.add_key(s, key, digest))
    return NewKey(key, text)


async def list_keys(
    ctx: ServiceContext, *, limit: int = PAGE, after: str | None = None
) -> list[ApiKey]:
    return await ctx.database.read(
        lambda s: keys.list_keys(s, ctx.tenant, limit=limit, after=after)
    )


async def get_key(ctx: ServiceContext, key_id: str) -> ApiKey:
    """Raises NotFound."""
    return _known(await ctx.database.read(lambda s: keys.get_key(s, ctx.tenant, key_id)), key_id)


async def rotate_key(
    ctx: ServiceContext, key_id: str, *, grace: timedelta = timedelta(0)
) -> NewKey:
    """Another secret for the key; the old one stays good for `grace`. Raises NotFound."""
    text, digest = _new_secret(key_id)
    until = ctx.clock() + grace
    key = await ctx.database.write(
        lambda s: keys.rotate_key(s, ctx.tenant, key_id, digest, previous_until=until)
    )
    return NewKey(_known(key, key_id), text)


async def revoke_key(ctx: ServiceContext, key_id: str) -> ApiKey:
    """End the key for good. Raises NotFound."""
    known = await get_key(ctx, key_id)
    if known.revoked_at is not None:
        return known
    now = ctx.clock()
    key = await ctx.database.write(lambda s: keys.change_key(s, ctx.tenant, key_id, revoked_at=now))
    return _known(key, key_id)


async def switch_key(ctx: ServiceContext, key_id: str, *, enabled: bool) -> ApiKey:
    """Refuse a key's requests for a while, or take them again. Raises NotFound."""
    key = await ctx.database.write(
        lambda s: keys.change_key(s, ctx.tenant, key_id, enabled=enabled)
    )
    return _known(key, key_id)


def read_key(text: str) -> tuple[str, str] | None:
    """The id and the digest of a key's text; None when it is no key of ours."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not key_id or not secret:
        return None
    return key_id, _digest(text)


def _new_secret(key_id: str) -> tuple[str, str]:
    text = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return text, _digest(text)


def _digest(text: str) -> str:
    """256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(text.encode()).hexdigest()


def _known(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise NotFound("key", key_id)
    return key
