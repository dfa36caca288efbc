"""A customer's own server, which webhooks are sent to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response

from tests.api.conftest import serving


@dataclass
class Received:
    """What was posted, in this order."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: int = 200


@asynccontextmanager
async def customer_server(path: str) -> AsyncIterator[Received]:
    app, customer = FastAPI(), Received()

    @app.post(path)
    async def hear(request: Request) -> Response:
        customer.requests.append((dict(request.headers), await request.body()))
        return Response("OK", customer.answer)

    async with serving(app) as http:
        customer.url = f"{str(http.base_url).rstrip('/')}{path}"
        yield customer
