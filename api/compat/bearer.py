"""Who asks a compatible API: our own keys as bearer tokens, counted by the system's limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.state import ApiState, state_of
from domain.access import Usage
from services.access import Caller, RateRule, admit

Shown = Callable[[Usage, datetime], Mapping[str, str]]
"""How a system tells of a limit: headers, by its usage and now."""


async def admit_bearer(
    request: Request, *, scope: str, door: str, rules: Sequence[RateRule]
) -> Caller:
    """Raises what `services.access.admit` does."""
    caller = await admit(
        state_of(request).context,
        token_of(request),
        scope=scope,
        door=door,
        address=request.client.host if request.client else "unknown",
        rules=rules,
    )
    request.state.usages = caller.usages
    return caller


def token_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class RateHeaders:
    """Says on every answer to a known caller how much of the tightest limit is left."""

    def __init__(self, app: ASGIApp, shown: Shown) -> None:
        self._app = app
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            usages: tuple[Usage, ...] = scope.get("state", {}).get("usages", ())
            if message["type"] == "http.response.start" and usages:
                tightest = min(usages, key=lambda usage: usage.remaining)
                now = cast("ApiState", scope["app"].state.outdial).context.clock()
                MutableHeaders(scope=message).update(self._shown(tightest, now))
            await send(message)

        await self._app(scope, receive, told if scope["type"] == "http" else send)
