"""HTTPS only, where it is asked for."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OPEN = frozenset({"/healthz", "/readyz"})
"""Asked by the machine that watches this process, from beside it."""


class RequireHttps:
    """Refuses what came in the clear. It is never redirected: its key has been seen by then."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        clear = scope["type"] == "http" and scope["scheme"] != "https"
        if not clear or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        refused = JSONResponse(
            {
                "type": "about:blank",
                "title": "HTTPS required",
                "status": 403,
                "detail": "this server answers over HTTPS only; renew the key that was sent",
                "code": "https_required",
            },
            status_code=403,
            media_type="application/problem+json",
        )
        await refused(scope, receive, send)
