"""Style sheet and scripts of the console. Their addresses change with their content, so browsers
keep them for good."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"


@cache
def versions() -> dict[str, str]:
    """The version of each file, a hash of its content."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in _FOLDER.iterdir()
        if path.suffix in _TYPES
    }


def add_assets(app: FastAPI) -> None:
    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in versions():
            return Response(status_code=404)
        path = _FOLDER / name
        headers = {"cache-control": _KEPT}
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=headers)

    app.add_route("/assets/{name}", asset, include_in_schema=False)
