"""Voxpria's API (voxpria.com/docs/calls-api, and the pages beside it). Base URL:
`<ours>/compat/voxpria`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from outdial.api.admission import RateHeaders
from outdial.api.compat.refusals import install_refusals
from outdial.api.compat.voxpria import agents, calls, contacts, webhooks
from outdial.api.compat.voxpria.auth import rate_headers
from outdial.api.compat.voxpria.errors import Refused, write_error
from outdial.api.reference import add_reference

_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused} for status in (400, 401, 403, 404, 429, 503)
}


def create_voxpria() -> FastAPI:
    app = FastAPI(
        title="Voxpria's API on Outdial",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=_REFUSED,
    )
    for part in (calls, contacts, agents, webhooks):
        app.include_router(part.router)
    app.add_middleware(RateHeaders, shown=rate_headers)
    add_reference(app)
    install_refusals(app, write_error)
    return app
