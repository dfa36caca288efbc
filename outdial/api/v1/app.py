"""/v1: our own HTTP API, an application of its own so that its errors are its own too."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Security

from outdial.api.admission import RateHeaders
from outdial.api.reference import add_reference
from outdial.api.v1.auth import BEARER, rate_headers
from outdial.api.v1.document import build_document, operation_id
from outdial.api.v1.problems import install_problems
from outdial.api.v1.refusals import ALWAYS
from outdial.api.v1.routes import (
    agents,
    appointments,
    calls,
    campaigns,
    canaries,
    contacts,
    deliveries,
    endpoints,
    keys,
    launches,
    lines,
    log,
    people,
    phone_numbers,
    plans,
    reports,
    results,
    revisions,
    suppressions,
    uploads,
)
from outdial.api.v1.webhooks import add_webhooks

_DESCRIPTION = """
Campaigns, calls and their records. Every request carries a key:
`Authorization: Bearer od_…`.

- **Idempotency**: POSTs that start something accept an `Idempotency-Key`. For a day, the same key
  with the same body gets the same response; with another body it is refused with 409.
- **Pages**: lists accept `limit` and `cursor`; the response's `next_cursor` is the cursor of the
  next page, null on the last page.
- **Errors** are problem details (RFC 9457); `code` is for programs, `detail` for people.
- **Scopes**: `campaigns:write` and `calls:write` place calls as the operator has set them up.
  Anything beyond that needs a scope of its own: `mail:send` for `do: email`, `secrets:use` for
  `auth`, `risks:accept` for `accept_risk`, and `dialing:override` for foreign caller ids and
  for agents' settings that could change what is dialed.
- **Limits**: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (Unix time) describe
  the tightest limit; a refused request gets 429 with `Retry-After`.
"""


_PARTS = (
    campaigns,
    plans,
    revisions,
    canaries,
    results,
    reports,
    launches,
    calls,
    people,
    contacts,
    agents,
    phone_numbers,
    appointments,
    suppressions,
    endpoints,
    deliveries,
    lines,
    keys,
    log,
)


def create_v1() -> FastAPI:
    app = FastAPI(
        title="Outdial",
        version="1",
        description=_DESCRIPTION,
        responses=ALWAYS,
        generate_unique_id_function=operation_id,
        dependencies=[Security(BEARER)],
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    # By media type, on paths that others take the rest of.
    for router in (uploads.forms, uploads.files):
        app.include_router(router)
    for part in _PARTS:
        app.include_router(part.router)
    app.add_middleware(RateHeaders, shown=rate_headers)
    add_webhooks(app.webhooks)
    add_reference(app)
    install_problems(app)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, built when it is first asked for."""
    if app.openapi_schema is None:
        app.openapi_schema = build_document(app)
    return app.openapi_schema
