"""The HTTP door. An ASGI server calls `create_app`: `uvicorn --factory api.app:create_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from api.errors import install_errors
from api.routes import health, hooks, tools
from api.state import ApiState
from runtime.clock import system_clock
from runtime.connection import connect_temporal
from runtime.lines import build_lines, require_serving
from runtime.logging import set_up_logging
from runtime.outside import build_outside
from runtime.settings import Settings, load_settings
from services.context import ServiceContext
from services.webhooks import WebhookReceiver
from store.database import Database


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; without settings, those of this process.

    Raises SettingsInvalid.
    """
    if settings is None:
        settings = load_settings()
        set_up_logging(settings.log_level)
    require_serving(settings)
    return build_app(lambda: _opened(settings))


def build_app(opened: Callable[[], AbstractAsyncContextManager[ApiState]]) -> FastAPI:
    """The application over whatever `opened` hands to its routes while it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened() as state:
            app.state.outdial = state
            yield

    app = FastAPI(title="Outdial", lifespan=lifespan)
    app.include_router(hooks.router)
    app.include_router(tools.router)
    app.include_router(health.router)
    install_errors(app)
    return app


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[ApiState]:
    lines = build_lines(settings)
    database = Database(settings.database)
    context = ServiceContext(
        database=database,
        # Webhooks are stored whether or not Temporal is up.
        temporal=await connect_temporal(settings, lazy=True),
        lines=lines,
        clock=system_clock,
        tenant=settings.tenant,
        live_status=settings.upsert_status,
        calendars=build_outside(settings).calendars,
    )
    try:
        async with WebhookReceiver(context) as webhooks:
            yield ApiState(context, webhooks, settings.public_url or "")
    finally:
        await lines.aclose()
        database.dispose()
