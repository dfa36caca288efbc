"""`POST /hooks/<line>` and `/hooks/<line>/<token>`: where providers report what became of a call.

The token is for providers that sign nothing. The adapter compares it, as it does signatures; it
stands in no log.
"""

from __future__ import annotations

from fastapi import APIRouter, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.state import state_of

router = APIRouter(route_class=AdmittedRoute)


@router.post("/hooks/{line}")
@router.post("/hooks/{line}/{token:path}")
async def receive(line: str, request: Request) -> dict[str, int]:
    """Store a provider's report; answered only once it is safe in the database."""
    state = state_of(request)
    state.context.lines[line]  # before the body is read
    body = await request.body()
    received = await state.webhooks.receive(line, request.headers, body, signed_url(request))
    return {"stored": received.stored, "new": received.new}


def signed_url(request: Request) -> str:
    """The URL as the provider knows it: behind a proxy, ours is another one."""
    # As it was sent: a token may have characters that only stand in a path when encoded.
    raw: bytes | None = request.scope.get("raw_path")
    path = request.url.path if raw is None else raw.partition(b"?")[0].decode("latin-1")
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{state_of(request).public_url}{path}{query}"
