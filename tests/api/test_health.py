"""Health: alive, and able to work."""

from __future__ import annotations

import httpx


async def test_a_live_process_says_so(api_without_database: httpx.AsyncClient) -> None:
    answer = await api_without_database.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_with_everything_there(api: httpx.AsyncClient) -> None:
    answer = await api.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "database": "ok", "temporal": "ok"},
    )


async def test_not_ready_without_a_database(api_without_database: httpx.AsyncClient) -> None:
    answer = await api_without_database.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "database": "unavailable", "temporal": "ok"}


async def test_in_service_without_temporal(api_without_temporal: httpx.AsyncClient) -> None:
    """Webhooks are stored meanwhile: taking this process out of service would lose them."""
    answer = await api_without_temporal.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "temporal": "unavailable"}
