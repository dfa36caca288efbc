"""`/healthz`: this process lives. `/readyz`: it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from outdial.api.state import state_of
from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.dispatch.health import is_serving
from outdial.store.db.errors import DatabaseUnavailable

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """503 when the database is down. Without Temporal webhooks are still taken, and passed on
    later; so it is reported, but does not take this process out of service."""
    database = await _database_answers(request)
    temporal = await _temporal_answers(request)
    return JSONResponse(
        {
            "status": "down" if not database else "ok" if temporal == "ok" else "degraded",
            "database": "ok" if database else "unavailable",
            "temporal": temporal,
        },
        status_code=200 if database else 503,
    )


async def _database_answers(request: Request) -> bool:
    try:
        await state_of(request).context.database.ping()
    except DatabaseUnavailable:
        return False
    return True


async def _temporal_answers(request: Request) -> str:
    try:
        healthy = await is_serving(state_of(request).context.temporal)
    except TemporalUnavailable:
        return "unavailable"
    except TemporalRefused:
        return "refused"
    return "ok" if healthy else "unavailable"
