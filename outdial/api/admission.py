"""Who asks comes first: a caller is admitted before a byte of the body is read.

FastAPI reads and parses a body before it solves dependencies. `AdmittedRoute` turns that round:
a route that depends on an `Admission` runs it first. It also reads JSON within bounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.bodies import allow_size_of
from outdial.api.state import ApiState, state_of
from outdial.api.statuses import status_of
from outdial.domain.access import Usage
from outdial.domain.bounds import OutOfBounds, parse_json
from outdial.domain.errors import OutdialError
from outdial.runtime.log_subject import log_about
from outdial.services.accounts.access import Caller, RateRule, admit

_CALLER = "outdial.caller"


class BodyInvalid(HTTPException, OutdialError):
    """A JSON body that no route takes; its text says where and why."""

    code = "body_invalid"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(status_of(self, "compat"), f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, eq=False)
class Admission:
    """A dependency: the caller, who holds this scope and has requests left."""

    scope: str
    door: str
    token: Callable[[Request], str | None]
    rules: Callable[[Request], Sequence[RateRule]]

    async def __call__(self, request: Request) -> Caller:
        caller: Caller | None = request.scope.get(_CALLER)
        return caller if caller is not None else await self.admit(request)

    async def admit(self, request: Request) -> Caller:
        """Raises what `services.accounts.access.admit` does."""
        caller = await admit(
            state_of(request).context,
            self.token(request),
            scope=self.scope,
            door=self.door,
            address=request.client.host if request.client else "unknown",
            rules=self.rules(request),
        )
        named = request.path_params
        log_about(tenant=caller.ctx.tenant, campaign=named.get("name"), call=named.get("call_id"))
        request.state.usages = caller.usages
        request.scope[_CALLER] = caller
        return caller


def token_of(request: Request) -> str | None:
    """The bearer token of a request."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class AdmittedRoute(APIRoute):
    """Admits the caller, then reads the body, then does what any route does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        admission, endpoint = admission_of(self.dependant), self.endpoint

        async def admitted(request: Request) -> Response:
            if admission is not None:
                await admission.admit(request)
            allow_size_of(request.scope, endpoint)
            return await handle(_BoundedRequest(request.scope, request.receive))

        return admitted


def admission_of(dependant: Dependant) -> Admission | None:
    """What a route asks of its caller; None for those that anybody may use."""
    for needed in dependant.dependencies:
        if isinstance(needed.call, Admission):
            return needed.call
    return None


class _BoundedRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = parse_json(body)
            except OutOfBounds as error:
                raise BodyInvalid("body", str(error)) from None
            except ValueError as error:
                raise json.JSONDecodeError(str(error), "", 0) from None
        return self._json


Shown = Callable[[Usage, datetime], Mapping[str, str]]
"""The headers in which an API shows a limit, from its usage and now."""


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
