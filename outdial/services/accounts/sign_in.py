"""Signing in to the console: with a key, or with a link that is good once.

A browser holds a random token, never the key. The database holds the token's digest and which key
it stands for; the key is checked at each request, so a session ends with its key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from outdial.domain.access import EVERYTHING, ApiKey
from outdial.domain.operator import CONSOLE, Action, Operator
from outdial.resources.resources import Resources
from outdial.services.accounts.access import Caller, RateRule, admit, caller_with, require_good
from outdial.services.accounts.keys import make_key, note_key, read_key
from outdial.services.errors import KeyRefused
from outdial.store.access import console, keys
from outdial.store.db.database import Database

SESSION_LASTS = timedelta(hours=12)
LINK_LASTS = timedelta(minutes=15)
LINK_KEY = "console on this machine"
"""The name of the keys that links sign in with."""
_TOKEN_BYTES = 32


@dataclass(frozen=True)
class ConsoleSession:
    """A session that has begun; the token is kept by the browser alone."""

    token: str
    lasts: timedelta


async def sign_in(
    ctx: Resources, text: str, *, address: str, rules: Sequence[RateRule]
) -> ConsoleSession:
    """Begin a session of a key. Raises KeyRefused, KeyDisabled, TooManyRequests."""
    caller = await admit(ctx, text, scope="", door=CONSOLE, address=address, rules=rules)
    proof = read_key(text)
    assert proof is not None  # it was admitted
    now, token = ctx.clock(), secrets.token_urlsafe(_TOKEN_BYTES)
    ends = _end(caller.key, now)
    await ctx.database.write(
        lambda s: console.add_session(s, _digest(token), *proof, expires_at=ends)
    )
    return ConsoleSession(token, ends - now)


async def make_link_token(database: Database, tenant: str, now: datetime) -> str:
    """The token of a link that signs in to everything of a tenant, once."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    await database.write(
        lambda s: console.add_link(s, _digest(token), tenant, expires_at=now + LINK_LASTS)
    )
    return token


async def redeem_link(ctx: Resources, token: str) -> ConsoleSession | None:
    """Use up a link, and begin a session with a key of its own, which expires with the session.

    None for a link that was used before, has expired, or never was.
    """
    now, session = ctx.clock(), secrets.token_urlsafe(_TOKEN_BYTES)
    ends = now + SESSION_LASTS

    def work(s: Session) -> bool:
        tenant = console.take_link(s, _digest(token), now=now)
        if tenant is None:
            return False
        new, digest = make_key(tenant, LINK_KEY, (EVERYTHING,), now=now, expires_at=ends)
        keys.add_key(s, new.key, digest)
        note_key(s, tenant, Operator(door=CONSOLE), Action.CREATE, new.key, now=now)
        console.add_session(s, _digest(session), new.key.id, digest, expires_at=ends)
        return True

    redeemed = await ctx.database.write(work)
    return ConsoleSession(session, SESSION_LASTS) if redeemed else None


async def resume(ctx: Resources, token: str) -> Caller:
    """The caller of a session, whose key is checked again. Raises KeyRefused, KeyDisabled."""
    now = ctx.clock()
    key = await ctx.database.read(lambda s: console.find_session(s, _digest(token), now=now))
    if key is None:
        raise KeyRefused("the session has ended")
    require_good(key, now)
    if keys.use_is_due(key, now):
        await ctx.database.write(lambda s: keys.note_use(s, key.id, now=now))
    return caller_with(ctx, key, CONSOLE)


async def sign_out(ctx: Resources, token: str) -> None:
    await ctx.database.write(lambda s: console.delete_session(s, _digest(token)))


def _end(key: ApiKey, now: datetime) -> datetime:
    latest = now + SESSION_LASTS
    return latest if key.expires_at is None else min(latest, key.expires_at)


def _digest(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
