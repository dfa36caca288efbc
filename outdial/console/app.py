"""The console as an ASGI application, mounted beside the API."""

from __future__ import annotations

from fastapi import FastAPI

from outdial.console import assets
from outdial.console.errors import install_error_pages
from outdial.console.policy import ConsolePolicy
from outdial.console.routes import (
    apply,
    calls,
    campaign,
    campaigns,
    changes,
    keys,
    launch,
    lines,
    log,
    people,
    revisions,
    sign_in,
    suppressions,
)

PATH = "/console"
_PARTS = (
    sign_in,
    campaigns,
    launch,
    campaign,
    changes,
    apply,
    revisions,
    people,
    calls,
    lines,
    suppressions,
    keys,
    log,
)


def create_console() -> FastAPI:
    app = FastAPI(
        title="Outdial console",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    assets.add_assets(app)
    for part in _PARTS:
        app.include_router(part.router)
    app.add_middleware(ConsolePolicy)
    install_error_pages(app)
    return app
