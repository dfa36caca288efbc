"""`POST /hooks/<line>` and `/hooks/<line>/<token>`: where providers report what became of a call.

The token is for providers that sign nothing. The adapter compares it, as it does signatures; it
stands in no log.

A plain route: what FastAPI does around an endpoint for its parameters, dependencies and answers
costs about as much as to verify and read a webhook.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from outdial.api.state import state_of


async def receive(request: Request) -> JSONResponse:
    """Store a provider's report; answered only once it is safe in the database."""
    line, state = request.path_params["line"], state_of(request)
    state.context.lines[line]  # before the body is read
    body = await request.body()
    received = await state.webhooks.receive(line, request.headers, body, signed_url(request))
    return JSONResponse({"stored": received.stored, "new": received.new})


ROUTES = (
    Route("/hooks/{line}", receive, methods=["POST"]),
    Route("/hooks/{line}/{token:path}", receive, methods=["POST"]),
)


def signed_url(request: Request) -> str:
    """The URL as the provider knows it: behind a proxy, ours is another one."""
    # As it was sent: a token may have characters that only stand in a path when encoded.
    raw: bytes | None = request.scope.get("raw_path")
    path = request.url.path if raw is None else raw.partition(b"?")[0].decode("latin-1")
    query: str = request.scope["query_string"].decode("latin-1")
    return f"{state_of(request).public_url}{path}{'?' if query else ''}{query}"
