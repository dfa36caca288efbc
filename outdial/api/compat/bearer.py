"""Who asks a compatible API: our own keys as bearer tokens, counted by the system's limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from fastapi import Depends
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.admission import Admission, token_of
from outdial.api.state import ApiState
from outdial.domain.access import Usage
from outdial.services.accounts.access import RateRule

Shown = Callable[[Usage, datetime], Mapping[str, str]]
"""How a system tells of a limit: headers, by its usage and now."""


def bearer(scope: str, door: str, *rules: RateRule) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""
    return Depends(Admission(scope, door, token_of, lambda _: rules))


class RateHeaders:
    """Says on every answer to a known caller how much of the tightest limit is left."""

    def __init__(self, app: ASGIApp, shown: Shown) -> None:
        self._app = app
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_rates(message: Message) -> None:
            usages: tuple[Usage, ...] = scope.get("state", {}).get("usages", ())
            if message["type"] == "http.response.start" and usages:
                tightest = min(usages, key=lambda usage: usage.remaining)
                now = cast("ApiState", scope["app"].state.outdial).context.clock()
                MutableHeaders(scope=message).update(self._shown(tightest, now))
            await send(message)

        await self._app(scope, receive, send_with_rates if scope["type"] == "http" else send)
