"""Requests with an Idempotency-Key: carried out once, answered the same ever after."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from outdial.resources.resources import Resources
from outdial.services.errors import Collision
from outdial.store.access import idempotency
from outdial.store.access.idempotency import Asked, Earlier

KEPT_FOR = timedelta(days=1)
"""How long answers are remembered, at least."""


@dataclass(frozen=True)
class Answer:
    """What a door answers: a status and a body, as text."""

    status: int
    body: str


def asked_with(ctx: Resources, key: str, operation: str, body: bytes) -> Asked:
    digest = hashlib.sha256(body).hexdigest()
    return Asked(ctx.tenant, key, operation, digest)


def answer_before(earlier: Earlier | None) -> Answer | None:
    """What was answered before; None for who asks first. Raises Collision."""
    if earlier is None:
        return None
    if not earlier.same:
        raise Collision("this Idempotency-Key was used with another request; send a new one")
    if earlier.status is None or earlier.answer is None:
        raise Collision("a request with this Idempotency-Key is being carried out; ask again soon")
    return Answer(earlier.status, earlier.answer)


async def once(
    ctx: Resources, asked: Asked | None, carry_out: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Carry a request out unless it was before. Raises Collision, and what `carry_out` raises;
    then whoever asks again asks anew."""
    if asked is None:
        return await carry_out()
    now = ctx.clock()
    before = answer_before(
        await ctx.database.write(lambda s: idempotency.ask_once(s, asked, now=now))
    )
    if before is not None:
        return before
    try:
        answer = await carry_out()
    except BaseException:
        await ctx.database.write(lambda s: idempotency.forget_request(s, asked))
        raise
    await ctx.database.write(
        lambda s: idempotency.keep_answer(s, asked, answer.status, answer.body)
    )
    return answer


__all__ = ["Answer", "Asked", "answer_before", "asked_with", "once"]
