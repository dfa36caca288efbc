"""`/docs` of each API: Swagger UI from our own files, under a policy that lets nothing else in."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response

ASSETS = Path(__file__).parent / "assets"
_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "reference.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "LICENSE.txt": "text/plain",
}
POLICY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
"""Swagger UI sets styles of elements, so inline styles are allowed; scripts are ours alone."""


def add_reference(app: FastAPI) -> None:
    """Serve an application's reference at its /docs. Make the application with `docs_url=None`
    and `redoc_url=None`: FastAPI's own pages load scripts from elsewhere."""

    async def page(request: Request) -> Response:
        return FileResponse(ASSETS / "reference.html", media_type="text/html", headers=POLICY)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _TYPES:
            return Response(status_code=404)
        return FileResponse(ASSETS / name, media_type=_TYPES[name], headers=POLICY)

    app.add_route("/docs", page, include_in_schema=False)
    app.add_route("/docs/{name}", asset, include_in_schema=False)
