"""The call API of the network: `/v1`, as a voice provider would offer it."""

from __future__ import annotations

import functools
import hmac
import io
import json
import wave
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from outdial.providers.simulated.http.connection import Dropped, Late
from outdial.providers.simulated.http.simulation import Simulation
from outdial.providers.simulated.telephony.call import Call, CallOrder
from outdial.providers.simulated.telephony.faults import RequestFault, Route
from outdial.providers.simulated.telephony.network import Refusal

Endpoint = Callable[[Request, Simulation], Awaitable[Response]]


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON, as small as it gets."""
    body = json.dumps(content, separators=(",", ":"))
    return Response(body, status, headers, media_type="application/json")


def error(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    return answer({"error": {"code": code}}, status, headers)


def routes() -> list[HttpRoute]:
    """Every route of the call API."""
    return [
        HttpRoute("/v1/calls", _authorized(_create), methods=["POST"]),
        HttpRoute("/v1/calls", _authorized(_list), methods=["GET"]),
        HttpRoute("/v1/calls/{id}", _authorized(_get), methods=["GET"]),
        HttpRoute("/v1/calls/{id}/end", _authorized(_end), methods=["POST"]),
        HttpRoute("/v1/calls/{id}/recording", _authorized(_recording), methods=["GET"]),
        HttpRoute("/v1/account", _authorized(_account), methods=["GET"]),
    ]


def _authorized(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    @functools.wraps(endpoint)
    async def guarded(request: Request) -> Response:
        simulation: Simulation = request.app.state.simulation
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {simulation.api_key}".encode()):
            return error(401, "unauthorized")
        if simulation.network.account.suspended:
            return error(403, "account_suspended")
        return await endpoint(request, simulation)

    return guarded


async def _create(request: Request, simulation: Simulation) -> Response:
    simulation.counts.creates += 1
    try:
        order = CallOrder.model_validate_json(await request.body())
    except ValidationError:
        return error(400, "invalid_request")

    def carry_out() -> Response:
        try:
            call = simulation.network.create(order, silent=simulation.plan.silences)
        except Refusal as refusal:
            simulation.counts.refused[refusal.word] += 1
            return _refused(simulation, refusal)
        return answer({"id": call.id, "status": call.status.value}, 201)

    return _with_faults(simulation, Route.CREATE, order.to, carry_out)


def _refused(simulation: Simulation, refusal: Refusal) -> Response:
    if refusal.status == 429:
        return _throttled(simulation, refusal.word)
    return error(refusal.status, refusal.word)


async def _list(request: Request, simulation: Simulation) -> Response:
    our_id = request.query_params.get("metadata_call_id")
    since = request.query_params.get("since")
    try:
        from_instant = None if since is None else datetime.fromisoformat(since)
    except ValueError:
        from_instant = None
    if since is not None and (from_instant is None or from_instant.tzinfo is None):
        return error(400, "invalid_since")

    def carry_out() -> Response:
        calls = simulation.network.find(our_id, from_instant)
        return answer({"calls": [call.shown() for call in calls]})

    earlier = simulation.network.find(our_id, None)
    key = earlier[0].order.to if our_id and earlier else our_id or ""
    return _with_faults(simulation, Route.LIST, key, carry_out)


async def _get(request: Request, simulation: Simulation) -> Response:
    return _about_call(request, simulation, Route.GET, Call.shown)


async def _end(request: Request, simulation: Simulation) -> Response:
    def end(call: Call) -> dict[str, Any]:
        simulation.network.end(call)
        return {"id": call.id, "status": call.status.value}

    return _about_call(request, simulation, Route.END, end)


def _about_call(
    request: Request, simulation: Simulation, route: Route, do: Callable[[Call], Any]
) -> Response:
    call_id: str = request.path_params["id"]
    call = simulation.network.calls.get(call_id)

    def carry_out() -> Response:
        return error(404, "call_not_found") if call is None else answer(do(call))

    return _with_faults(simulation, route, call_id if call is None else call.order.to, carry_out)


async def _recording(request: Request, simulation: Simulation) -> Response:
    call = simulation.network.calls.get(request.path_params["id"])
    if call is None or not call.order.recording or call.analyzed_at is None:
        return error(404, "recording_not_found")
    return Response(_quarter_second(), media_type="audio/wav")


async def _account(request: Request, simulation: Simulation) -> Response:
    account = simulation.network.account
    limit = account.max_concurrent
    return answer({"open": simulation.network.history.open, "max_concurrent": limit})


def _with_faults(
    simulation: Simulation, route: Route, key: str, carry_out: Callable[[], Response]
) -> Response:
    fault = simulation.plan.for_request(route, key)
    if fault is None:
        return carry_out()
    simulation.counts.faults[fault] += 1
    if fault is RequestFault.THROTTLE:
        return _throttled(simulation, "rate_limit")
    if fault is RequestFault.REFUSE:
        return error(503, "not_accepted")
    if fault is RequestFault.DROP_REQUEST:
        return Dropped()
    return _spoiled(simulation, fault, carry_out())


def _spoiled(simulation: Simulation, fault: RequestFault, good: Response) -> Response:
    if fault is RequestFault.FAIL_AFTER:
        return error(503, "internal_error")
    if fault is RequestFault.DROP_RESPONSE:
        return Dropped()
    if fault is RequestFault.GARBLE:
        return Response("<html>", good.status_code, media_type="text/html")
    hangs = fault is RequestFault.HANG
    return Late(good, None if hangs else simulation.plan.settings.delay_response_s)


def _throttled(simulation: Simulation, code: str) -> Response:
    simulation.counts.throttled += 1
    return error(429, code, {"retry-after": f"{simulation.plan.settings.retry_after_s:g}"})


@functools.cache
def _quarter_second() -> bytes:
    """A quarter of a second of telephone silence."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(4000))
    return buffer.getvalue()
