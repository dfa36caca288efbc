"""The HTTP API as an ASGI application. `python -m outdial.api` serves it, with bounds on
connections that `uvicorn` alone does not have (`outdial.api.connections`)."""

from __future__ import annotations

import gc
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from outdial.api.background import BackgroundLaunches
from outdial.api.bodies import BoundBodies
from outdial.api.compat.systems import SYSTEMS
from outdial.api.errors import install_errors
from outdial.api.https import RequireHttps
from outdial.api.measuring import MeasureRequests
from outdial.api.routes import health, hooks, metrics, tools
from outdial.api.state import ApiPolicy, ApiState
from outdial.api.uploads import Uploads
from outdial.api.v1.app import create_v1
from outdial.api.v1.problems import http_problem
from outdial.dispatch.wakeups import Wakeups
from outdial.metrics.database import observe_transaction
from outdial.resources.resources import Resources
from outdial.runtime.clock import DatabaseClock, keeping_time
from outdial.runtime.connection import connect_temporal
from outdial.runtime.integrations import build_integrations
from outdial.runtime.lines import build_lines, require_serving, resolve_reference
from outdial.runtime.logging import set_up_logging
from outdial.runtime.resources import build_resources
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.services.accounts.access import RateRule
from outdial.services.webhooks.webhooks import WebhookReceiver
from outdial.store.db.database import Database


def create_app(
    settings: Settings | None = None, beside: Mapping[str, FastAPI] | None = None
) -> FastAPI:
    """The application; without settings, those of this process. `beside` are the applications
    that it serves besides the APIs, by their path.

    Raises SettingsInvalid.
    """
    if settings is None:
        settings = load_settings()
        set_up_logging(settings.log_level, settings.log_format)
    require_serving(settings)
    return build_app(lambda: _opened(settings), policy_of(settings), beside)


def build_app(
    opened: Callable[[], AbstractAsyncContextManager[ApiState]],
    policy: ApiPolicy | None = None,
    beside: Mapping[str, FastAPI] | None = None,
) -> FastAPI:
    """The application over whatever `opened` hands to its routes while it runs."""
    policy = policy or ApiPolicy()

    parts = {"/v1": create_v1()}
    parts |= {f"/compat/{system}": create() for system, create in SYSTEMS}
    parts |= beside or {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened() as state:
            for part in (app, *parts.values()):
                part.state.outdial = state
            yield

    app = FastAPI(title="Outdial", lifespan=lifespan, docs_url=None, openapi_url=None)
    app.router.routes.extend((*hooks.ROUTES, *metrics.ROUTES))
    app.include_router(tools.router)
    app.include_router(health.router)
    for path, part in parts.items():
        app.router.routes.append(_mount(path, part))
    install_errors(app)
    app.add_exception_handler(HTTPException, http_problem)  # what no part of it knows
    app.add_middleware(BoundBodies)
    if policy.require_https:
        app.add_middleware(RequireHttps)
    if policy.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(policy.trusted_proxies))
    app.add_middleware(MeasureRequests, plain=(*hooks.ROUTES, *metrics.ROUTES))
    return app


def _mount(path: str, part: FastAPI) -> Mount:
    """Hands every path below `path` to a part, those with line breaks too.

    Starlette's own pattern stops at a line break, so the part could not refuse such a path in the
    form of its own API.
    """
    mount = Mount(path, app=part)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def policy_of(settings: Settings) -> ApiPolicy:
    """Raises SettingsInvalid when a secret can't be found."""
    api, minute = settings.api, timedelta(minutes=1)
    return ApiPolicy(
        require_https=api.require_https,
        trusted_proxies=api.trusted_proxies,
        rules=(
            RateRule("key", api.requests_per_key, minute),
            RateRule("tenant", api.requests_per_tenant, minute),
            RateRule("address", api.requests_per_address, minute),
        ),
        upload_bytes=api.upload_bytes,
        stripe_webhook_secret=_secret(
            settings, "api.stripe_webhook_secret", settings.api.stripe_webhook_secret
        ),
        metrics_token=_secret(settings, "metrics.token", settings.metrics.token),
    )


def _secret(settings: Settings, where: str, reference: str | None) -> str | None:
    if reference is None:
        return None
    problems: list[str] = []
    secret = resolve_reference(where, reference, settings.variables, problems)
    if problems:
        raise SettingsInvalid(problems)
    return secret


@asynccontextmanager
async def open_state(
    context: Resources,
    public_url: str,
    policy: ApiPolicy | None = None,
    uploads: Uploads | None = None,
    ui_url: str | None = None,
) -> AsyncIterator[ApiState]:
    """What routes need, over a context."""
    async with (
        WebhookReceiver(context) as webhooks,
        Wakeups(context.temporal) as wakeups,
        uploads or Uploads() as files,
        BackgroundLaunches() as launches,
    ):
        state = ApiState(
            context,
            webhooks,
            wakeups,
            public_url,
            policy or ApiPolicy(),
            files,
            launches,
            ui_url=ui_url,
        )
        try:
            yield state
        finally:
            await state.gauges.aclose()


def uploads_of(settings: Settings) -> Uploads:
    api = settings.api
    return Uploads(api.upload_dir, at_once=api.uploads_at_once, per_tenant=api.uploads_per_tenant)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[ApiState]:
    lines = build_lines(settings)
    database = Database(
        settings.database, daily_ceiling=settings.daily_ceiling, observe=observe_transaction
    )
    clock = DatabaseClock(database)
    # Webhooks are stored whether or not Temporal is up.
    temporal = await connect_temporal(settings, lazy=True)
    context = build_resources(
        settings, database, temporal, lines, clock, build_integrations(settings)
    )
    try:
        async with (
            keeping_time(clock),
            open_state(
                context,
                settings.public_url or "",
                policy_of(settings),
                uploads_of(settings),
                settings.ui_url,
            ) as state,
        ):
            _leave_to_no_collection()
            yield state
    finally:
        await lines.aclose()
        database.dispose()


def _leave_to_no_collection() -> None:
    """Have garbage collections pass over everything that exists by now, which stays until the end:
    one that looks at it all takes a tenth of a second, in which no webhook is answered."""
    gc.collect()
    gc.freeze()
