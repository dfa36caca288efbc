"""Stored responses for an Idempotency-Key, and versions as entity tags."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer, identify_request, once
from outdial.services.errors import RequestRefused
from outdial.store.access.idempotency import IdempotentRequest

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="For a day, the same key with the same body gets the same response.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag of the expected version; refused with 412 if it has changed.",
    ),
]


async def idempotent_request(
    request: Request, caller: Caller, key: str | None
) -> IdempotentRequest | None:
    """The request as its Idempotency-Key identifies it."""
    return None if key is None else identify(request, caller, key, await request.body())


def identify(
    request: Request, caller: Caller, key: str | None, content: bytes
) -> IdempotentRequest | None:
    """A request with this content, for one whose body is not kept in memory, or differs each time
    in how it is written."""
    if key is None:
        return None
    query = f"?{request.url.query}" if request.url.query else ""
    return identify_request(caller.ctx, key, f"{request.method} {request.url.path}{query}", content)


async def answered_once(
    request: Request,
    caller: Caller,
    key: str | None,
    carry_out: Callable[[], Awaitable[BaseModel]],
    status: int,
) -> Response:
    """Execute a request unless it was executed before, and return its response."""

    async def answer() -> Answer:
        return shown(await carry_out(), status)

    return response(await once(caller.ctx, await idempotent_request(request, caller, key), answer))


def shown(model: BaseModel, status: int) -> Answer:
    return Answer(status, model.model_dump_json())


def response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")


def tag(version: int) -> dict[str, str]:
    return {"etag": f'"{version}"'}


def version_of(if_match: str | None) -> int | None:
    """The version that a caller expects; None for any. Raises RequestRefused."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = re.fullmatch(r'"([0-9]{1,9})"', if_match.strip())
    if match is None:
        raise RequestRefused(f"If-Match: found {if_match!r}; send the ETag of a response")
    return int(match[1])
