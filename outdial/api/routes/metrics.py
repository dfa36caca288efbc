"""`GET /metrics`: for Prometheus, with the token of the settings; without one there is no such
page, as the same port may be open to the world."""

from __future__ import annotations

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from outdial.api.exposition import CONTENT_TYPE, write_metrics
from outdial.api.state import state_of


async def metrics(request: Request) -> Response:
    state = state_of(request)
    token = state.policy.metrics_token
    if token is None:
        raise HTTPException(404)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    proven = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not proven:
        raise HTTPException(401, headers={"www-authenticate": "Bearer"})
    return Response(write_metrics(await state.gauges.read()), media_type=CONTENT_TYPE)


ROUTES = (Route("/metrics", metrics, methods=["GET"]),)
