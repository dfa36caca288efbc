"""A customer's server: takes webhooks over real HTTP, and answers as a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from tests.serving import listening


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answers = Callable[[int], int | Response]


@dataclass
class Receiver:
    """What came, and what it was answered; `answer` is asked with the number of the request."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answer: Answers = lambda number: 200
    verify: Callable[[Received], bool] = lambda received: True
    """Whether a request is signed as it should be; 401 otherwise."""

    @property
    def taken(self) -> list[Received]:
        """Requests that were answered with success."""
        return [one for one in self.received if 200 <= one.status < 300]

    def types(self) -> list[str]:
        return [one.event["type"] for one in self.taken]


@asynccontextmanager
async def receiving(receiver: Receiver, port: int = 0) -> AsyncIterator[Receiver]:
    """Open for as long as the block runs; opened again on its port, it goes on."""
    app = FastAPI()

    @app.post("/hooks")
    async def hook(request: Request) -> Response:
        body = await request.body()
        answer = receiver.answer(len(receiver.received))
        response = answer if isinstance(answer, Response) else Response(status_code=answer)
        if not receiver.verify(Received(dict(request.headers), body, 0)):
            response = Response(status_code=401)
        receiver.received.append(Received(dict(request.headers), body, response.status_code))
        await asyncio.sleep(0)
        return response

    async with listening(app, port) as base:
        receiver.url = f"{base}/hooks"
        yield receiver
