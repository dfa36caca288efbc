"""Who asks: a key in the Authorization header, and what it may do."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.state import state_of
from domain.access import Usage
from services.access import Caller, admit

_bearer = HTTPBearer(
    auto_error=False, description="A key as `outdial keys create` or `POST /v1/keys` shows it."
)
Shown = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope."""

    async def admitted(request: Request, shown: Shown) -> Caller:
        state = state_of(request)
        caller = await admit(
            state.context,
            shown.credentials if shown is not None else None,
            scope=scope,
            door="v1",
            address=request.client.host if request.client else "unknown",
            rules=state.policy.rules,
        )
        request.state.usages = caller.usages
        return caller

    dependency: Callable[..., Awaitable[Caller]] = admitted
    return Depends(dependency)


class RateHeaders:
    """Says on every answer how much of the tightest limit is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            usages: tuple[Usage, ...] = scope.get("state", {}).get("usages", ())
            if message["type"] == "http.response.start" and usages:
                tightest = min(usages, key=lambda usage: usage.remaining)
                headers = MutableHeaders(scope=message)
                headers["ratelimit-limit"] = str(tightest.limit.allowed)
                headers["ratelimit-remaining"] = str(tightest.remaining)
                headers["ratelimit-reset"] = str(int(tightest.resets_at.timestamp()))
            await send(message)

        await self._app(scope, receive, told)
