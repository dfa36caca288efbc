"""Requests with an Idempotency-Key: carried out once, and answered from storage after that."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from outdial.resources.resources import Resources
from outdial.services.errors import Collision, RequestInProgress
from outdial.store.access import idempotency
from outdial.store.access.idempotency import IdempotentRequest, StoredResponse

RETAINED_FOR = timedelta(days=1)
"""How long responses are stored, at least."""
TAKEN_OVER_AFTER = timedelta(minutes=1)
"""A request that is not answered by then, and has begun nothing that can be found, is carried out
by the next one with its key: its process has died, as a rule. A launch may live longer, while it
waits for another one of its name; of the two the second finds the first running, and joins it."""
_BEGUN = uuid.UUID("5c0b6c5e-6a0e-4f86-9a3c-52a1b4f2a8d1")


@dataclass(frozen=True)
class Answer:
    """The response of an API: a status and a body, as text."""

    status: int
    body: str


@dataclass(frozen=True)
class Begun:
    """What became of a request that was begun, and whose answer was never stored."""

    answer: Answer | None = None
    over: bool = False
    """It is decided: the answer holds, or without one it can be carried out anew."""


def identify_request(ctx: Resources, key: str, operation: str, body: bytes) -> IdempotentRequest:
    digest = hashlib.sha256(body).hexdigest()
    return IdempotentRequest(ctx.tenant, key, operation, digest)


def replay(stored: StoredResponse | None) -> Answer | None:
    """The stored answer; None for the first request with its key. Raises Collision,
    RequestInProgress."""
    if stored is None:
        return None
    if not stored.same:
        raise Collision("this Idempotency-Key was used with another request; send a new one")
    if stored.status is None or stored.answer is None:
        raise RequestInProgress
    return Answer(stored.status, stored.answer)


async def once(
    ctx: Resources, request: IdempotentRequest | None, carry_out: Callable[[], Awaitable[Answer]]
) -> Answer:
    """`once_begun` for what leaves no trace by which it could be found if it is not answered."""

    async def work(_: str | None) -> Answer:
        return await carry_out()

    return await once_begun(ctx, request, work, _found_nowhere)


async def once_begun(
    ctx: Resources,
    request: IdempotentRequest | None,
    carry_out: Callable[[str | None], Awaitable[Answer]],
    find: Callable[[str], Awaitable[Begun]],
) -> Answer:
    """Carry a request out unless it was before.

    `carry_out` gets an id for what it begins, by which `find` finds that if the answer was never
    stored, because the database was away by then or the process died: that is the answer then.
    Raises Collision, and what `carry_out` raises; then the next request with its key is carried
    out, unless what this one began is found.
    """
    if request is None:
        return await carry_out(None)
    now = ctx.clock()
    stored = await ctx.database.write(lambda s: idempotency.begin_request(s, request, now=now))
    if stored is not None and stored.same and stored.status is None and stored.begun_at is not None:
        begun_at = stored.begun_at
        begun = await find(_id_of(request, begun_at))
        if begun.answer is not None:
            if begun.over:
                await _store(ctx, request, begun.answer)
            return begun.answer
        if (begun.over or begun_at <= now - TAKEN_OVER_AFTER) and await ctx.database.write(
            lambda s: idempotency.take_over(s, request, begun_at, now=now)
        ):
            stored = None
    before = replay(stored)
    if before is not None:
        return before
    own_id = _id_of(request, now)
    try:
        answer = await carry_out(own_id)
    except BaseException:
        if (await find(own_id)).answer is None:
            await ctx.database.write(lambda s: idempotency.discard_request(s, request, now))
        raise
    await _store(ctx, request, answer)
    return answer


async def _store(ctx: Resources, request: IdempotentRequest, answer: Answer) -> None:
    await ctx.database.write(
        lambda s: idempotency.store_response(s, request, answer.status, answer.body)
    )


async def _found_nowhere(_: str) -> Begun:
    return Begun()


def _id_of(request: IdempotentRequest, begun_at: datetime) -> str:
    """An id for what a request begins: another one each time that the request is begun."""
    at = begun_at.astimezone(UTC).isoformat()
    return uuid.uuid5(_BEGUN, f"{request.tenant}/{request.key}/{at}").hex
