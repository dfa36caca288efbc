"""BuildVoiceAI's API (docs.buildvoiceai.com/docs/reference). Base URL:
`<ours>/compat/buildvoiceai/api/v1`.

Its webhook URL is set on a page of theirs; here it is an endpoint of /v1 with the scheme
`buildvoiceai`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from outdial.api.compat.buildvoiceai import calls
from outdial.api.compat.buildvoiceai.errors import Refused, write_error
from outdial.api.compat.refusals import install_refusals
from outdial.api.reference import add_reference

_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused} for status in (400, 401, 403, 404, 429, 500)
}


def create_buildvoiceai() -> FastAPI:
    app = FastAPI(
        title="BuildVoiceAI's API on Outdial",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=_REFUSED,
    )
    app.include_router(calls.router)
    add_reference(app)
    install_refusals(app, write_error)
    return app
