"""Who asks: a key in the Authorization header, and what it may do."""

from typing import Any

from fastapi import Depends
from fastapi.security import HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.admission import Admission, token_of
from outdial.api.state import state_of
from outdial.domain.access import Usage

BEARER = HTTPBearer(
    auto_error=False, description="A key as `outdial keys create` or `POST /v1/keys` shows it."
)


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope."""
    return Depends(Admission(scope, "v1", token_of, lambda request: state_of(request).policy.rules))


class RateHeaders:
    """Says on every answer how much of the tightest limit is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_rates(message: Message) -> None:
            usages: tuple[Usage, ...] = scope.get("state", {}).get("usages", ())
            if message["type"] == "http.response.start" and usages:
                tightest = min(usages, key=lambda usage: usage.remaining)
                headers = MutableHeaders(scope=message)
                headers["ratelimit-limit"] = str(tightest.limit.allowed)
                headers["ratelimit-remaining"] = str(tightest.remaining)
                headers["ratelimit-reset"] = str(int(tightest.resets_at.timestamp()))
            await send(message)

        await self._app(scope, receive, send_with_rates)
