"""Requests with an Idempotency-Key: carried out once, and answered from storage after that."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from outdial.resources.resources import Resources
from outdial.services.errors import Collision
from outdial.store.access import idempotency
from outdial.store.access.idempotency import IdempotentRequest, StoredResponse

RETAINED_FOR = timedelta(days=1)
"""How long responses are stored, at least."""


@dataclass(frozen=True)
class Answer:
    """The response of an API: a status and a body, as text."""

    status: int
    body: str


def identify_request(ctx: Resources, key: str, operation: str, body: bytes) -> IdempotentRequest:
    digest = hashlib.sha256(body).hexdigest()
    return IdempotentRequest(ctx.tenant, key, operation, digest)


def replay(stored: StoredResponse | None) -> Answer | None:
    """The stored answer; None for the first request with its key. Raises Collision."""
    if stored is None:
        return None
    if not stored.same:
        raise Collision("this Idempotency-Key was used with another request; send a new one")
    if stored.status is None or stored.answer is None:
        raise Collision("a request with this Idempotency-Key is being carried out; ask again soon")
    return Answer(stored.status, stored.answer)


async def once(
    ctx: Resources, request: IdempotentRequest | None, carry_out: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Carry a request out unless it was before. Raises Collision, and what `carry_out` raises; the
    next request with its key is carried out then."""
    if request is None:
        return await carry_out()
    now = ctx.clock()
    before = replay(
        await ctx.database.write(lambda s: idempotency.begin_request(s, request, now=now))
    )
    if before is not None:
        return before
    try:
        answer = await carry_out()
    except BaseException:
        await ctx.database.write(lambda s: idempotency.discard_request(s, request))
        raise
    await ctx.database.write(
        lambda s: idempotency.store_response(s, request, answer.status, answer.body)
    )
    return answer
