"""Observes requests by route, for the metrics of the API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.metrics.http import REQUEST_SECONDS

UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ABORTED = "aborted"


class MeasureRequests:
    """ASGI middleware: the time, the route and the status of each request."""

    def __init__(self, app: ASGIApp, plain: tuple[Route, ...] = ()) -> None:
        """`plain` are routes of Starlette's, which leave no trace of themselves in a request."""
        self._app = app
        self._plain: Mapping[Any, str] = {}
        for route in plain:
            self._plain = {route.endpoint: route.path, **self._plain}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), _ABORTED

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            took = time.perf_counter() - begun
            REQUEST_SECONDS.labels(method, self._route(scope), status).observe(took)

    def _route(self, scope: Scope) -> str:
        """The template of the route that was taken; never the path, which holds names."""
        template = getattr(scope.get("route"), "path", None) or self._plain.get(
            scope.get("endpoint")
        )
        if template is None:
            return UNMATCHED
        return f"{scope.get('root_path', '')}{template}"
