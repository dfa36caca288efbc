"""`POST /hooks/<line>`: where providers report what became of a call."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.errors import BodyTooLarge
from api.state import state_of

MAX_BYTES = 1_000_000
"""A transcript of an hour is a tenth of that."""

router = APIRouter()


@router.post("/hooks/{line}")
async def receive(line: str, request: Request) -> dict[str, int]:
    """Store a provider's report; answered only once it is safe in the database."""
    state = state_of(request)
    body = await read_body(request)
    received = await state.webhooks.receive(line, request.headers, body, signed_url(request))
    return {"stored": received.stored, "new": received.new}


async def read_body(request: Request) -> bytes:
    """The body as it came, for its signature. Raises BodyTooLarge before reading it all."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BYTES:
        raise BodyTooLarge(MAX_BYTES)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise BodyTooLarge(MAX_BYTES)
    return bytes(body)


def signed_url(request: Request) -> str:
    """The URL as the provider knows it: behind a proxy, ours is another one."""
    path = request.url.path
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{state_of(request).public_url}{path}{query}"
