"""The far side of the service, `/sim`: look at the network, and change how it behaves.

For tests, benchmarks and demonstrations. Asks for no key: keep the service on loopback.
"""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from outdial.providers.simulated.http.api import answer, error
from outdial.providers.simulated.http.simulation import Simulation


def routes() -> list[HttpRoute]:
    """Every route of the control side."""
    return [
        HttpRoute("/sim/stats", _stats, methods=["GET"]),
        HttpRoute("/sim/creates", _creates, methods=["GET"]),
        HttpRoute("/sim/open-history", _open_history, methods=["GET"]),
        HttpRoute("/sim/calls", _calls, methods=["GET"]),
        HttpRoute("/sim/config", _config, methods=["GET"]),
        HttpRoute("/sim/config", _configure, methods=["PUT"]),
        HttpRoute("/sim/reset", _reset, methods=["POST"]),
    ]


def _simulation(request: Request) -> Simulation:
    simulation: Simulation = request.app.state.simulation
    return simulation


async def _stats(request: Request) -> Response:
    return answer(_simulation(request).stats())


async def _creates(request: Request) -> Response:
    """Calls made for each of the caller's own ids; more than 1 is a call too many."""
    made = _simulation(request).network.by_our_id
    return answer({our_id: len(calls) for our_id, calls in made.items()})


async def _open_history(request: Request) -> Response:
    """The changes; with `start` and `end` (ISO 8601) their time-weighted mean as well."""
    simulation = _simulation(request)
    history = simulation.network.history
    content: dict[str, object] = {
        "changes": [[at.isoformat(), number] for at, number in history.changes],
        "peak": history.peak,
    }
    if "start" in request.query_params:
        try:
            start = datetime.fromisoformat(request.query_params["start"])
            end = datetime.fromisoformat(request.query_params.get("end", ""))
            content["mean"] = simulation.mean_open(start, end)
        except (ValueError, TypeError):  # TypeError: an instant without its offset
            return error(400, "invalid_interval")
    return answer(content)


async def _calls(request: Request) -> Response:
    calls = _simulation(request).network.calls.values()
    return answer({"calls": [call.inspected() for call in calls]})


async def _config(request: Request) -> Response:
    return answer(_simulation(request).settings().model_dump(mode="json"))


async def _configure(request: Request) -> Response:
    try:
        patch = json.loads(await request.body())
        settings = _simulation(request).configure(patch)
    except ValidationError as exc:
        return answer({"error": {"code": "invalid_config", "message": str(exc)}}, 422)
    except (ValueError, AttributeError):  # not JSON, or not an object
        return error(400, "invalid_request")
    return answer(settings.model_dump(mode="json"))


async def _reset(request: Request) -> Response:
    await _simulation(request).reset()
    return answer({})
