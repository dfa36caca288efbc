"""Asks every GET route of the API for what exists and what does not, by every combination of its
filters. The routes and their parameters are those of the application."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import httpx
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from outdial.api.app import build_app, open_state
from outdial.api.state import ApiPolicy
from outdial.console.app import PATH as CONSOLE
from outdial.console.app import create_console
from outdial.console.viewer import COOKIE
from outdial.domain.access import EVERYTHING
from outdial.resources.resources import Resources
from outdial.services.accounts.keys import create_key
from outdial.services.accounts.sign_in import sign_in
from outdial.store.db.database import Database
from tests.history.filling import CALENDAR, FIRST, phone_of
from tests.history.measuring import Measured
from tests.history.operations.registry import NOBODY, Scene
from tests.services.world import no_temporal, simulated_lines
from tests.serving import client_at, listening

_PAGES = frozenset({"limit", "cursor", "page", "offset"})
_LONG_AGO, _LAST_WEEK, _NEVER = (
    "2020-01-01T00:00:00Z",
    "2026-02-25T00:00:00Z",
    "2090-01-01T00:00:00Z",
)


@dataclass(frozen=True)
class Values:
    """Of a parameter."""

    present: str
    """What rows have."""
    absent: str
    """What none has, as far as it may be asked for."""


_OF_NAMES = {
    "after": Values("1", "2"),
    "agent": Values("agent-1", NOBODY),
    "agent_id": Values("agent-7", NOBODY),
    "appointment_id": Values("appointment-7", NOBODY),
    "assistant_id": Values("agent-1", NOBODY),
    "assistant_type": Values("outbound", "inbound"),
    "before": Values("1", "2"),
    "calendar": Values(CALENDAR, NOBODY),
    "call": Values("call-7", NOBODY),
    "call_id": Values("direct-17", NOBODY),
    "call_type": Values("outbound", "inbound"),
    "campaign": Values("history", NOBODY),
    "contact_id": Values("contact-7", NOBODY),
    "created_before": Values(_LAST_WEEK, _LONG_AGO),
    "created_from": Values(_LAST_WEEK, _NEVER),
    "delivery_id": Values(str(FIRST + 7), "3"),
    "endDate": Values("2026-06-01", "2020-01-01"),
    "end_date": Values("2026-02-25", "2020-01-01"),
    "endpoint": Values("endpoint-1", NOBODY),
    "endpoint_id": Values("endpoint-1", NOBODY),
    "is_active": Values("true", "false"),
    "key_id": Values("key-7", NOBODY),
    "launch": Values("1", "99"),
    "launch_id": Values("launch-False", NOBODY),
    "leadStatus": Values("hot", "cold"),
    "name": Values("history", NOBODY),
    "number": Values(phone_of(1_000_007), phone_of(7)),
    "number_id": Values("number-7", NOBODY),
    "phone": Values(phone_of(7), phone_of(900_000)),
    "provider": Values("simulated", NOBODY),
    "recording_id": Values("direct-17", NOBODY),
    "right": Values("completed", NOBODY),
    "search": Values("Ada 7", NOBODY),
    "session_id": Values("request-7", NOBODY),
    "startDate": Values("2026-04-01", "2090-01-01"),
    "start_date": Values("2026-02-25", "2090-01-01"),
    "starts_before": Values("2026-04-01T00:00:00Z", _LONG_AGO),
    "starts_from": Values("2026-04-01T00:00:00Z", _NEVER),
    "state": Values("finished", "stopping"),
    "status": Values("completed", "busy"),
    "subject": Values("campaign/history-7", NOBODY),
    "tag": Values("vip", NOBODY),
    "tags": Values("vip", NOBODY),
    "to": Values(phone_of(7), phone_of(900_000)),
    "type": Values("call.completed", "test"),
}
_OF_ROUTES = {
    ("/v1/appointments", "status"): Values("booked", "no_show"),
    ("/compat/vozagent/v1/phone-numbers", "status"): Values("active", "pending"),
    ("/v1/deliveries", "state"): Values("delivered", "pending"),
    ("/compat/voxanne/api/appointments", "status"): Values("confirmed", "no_show"),
    ("/console/", "after"): Values("history", NOBODY),
    ("/console/live", "after"): Values("history", NOBODY),
    ("/console/calls", "after"): Values(f"{_LAST_WEEK}/call-7", f"{_LONG_AGO}/{NOBODY}"),
    ("/console/calls/live", "after"): Values(f"{_LAST_WEEK}/call-7", f"{_LONG_AGO}/{NOBODY}"),
    ("/console/people", "number"): Values(phone_of(7), phone_of(900_000)),
    ("/console/people", "after"): Values(f"{_LAST_WEEK}/call-7", f"{_LONG_AGO}/{NOBODY}"),
    ("/console/keys", "after"): Values("key-7", NOBODY),
    ("/console/suppressions", "after"): Values(phone_of(7), phone_of(900_000)),
}
_WITHOUT_A_PAGE = "/console/sign-in"


@dataclass(frozen=True)
class Route:
    path: str
    in_path: tuple[str, ...]
    filters: tuple[str, ...]
    required: frozenset[str]
    """Filters that can't be left out."""
    paged: tuple[str, ...]

    def values(self, name: str) -> Values:
        """Those of the route, else those of the name; KeyError for a parameter that is new."""
        return _OF_ROUTES.get((self.path, name)) or _OF_NAMES[name]


def routes() -> Iterator[Route]:
    app = build_app(lambda: NotImplemented, beside={CONSOLE: create_console()})
    for path, route in _walk(app.routes):
        if "GET" not in (route.methods or ()) or path == _WITHOUT_A_PAGE:
            continue
        params = _parameters(route.dependant, "query_params")
        query = [param.alias for param in params]
        yield Route(
            path,
            tuple(param.alias for param in _parameters(route.dependant, "path_params")),
            tuple(name for name in query if name not in _PAGES),
            frozenset(param.alias for param in params if param.field_info.is_required()),
            tuple(name for name in query if name in _PAGES),
        )


def _walk(among: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, APIRoute]]:
    for each in among:
        if isinstance(each, APIRoute):
            yield prefix + each.path, each
        elif hasattr(each, "original_router"):
            yield from _walk(each.original_router.routes, prefix + getattr(each, "prefix", ""))
        elif hasattr(each, "routes") and each.routes:
            yield from _walk(each.routes, prefix + each.path)


def _parameters(dependant: Dependant, kind: str) -> list[Any]:
    own = list(getattr(dependant, kind))
    return own + [each for below in dependant.dependencies for each in _parameters(below, kind)]


def questions(route: Route, most: int) -> Iterator[tuple[str, dict[str, str]]]:
    """What to ask a route: a label, and the query. Combinations are of at most so many filters."""
    for count in range(min(most, len(route.filters)) + 1):
        for names in combinations(route.filters, count):
            if not route.required <= set(names):
                continue
            present = {name: route.values(name).present for name in names}
            yield " & ".join(names), present
            for absent in names:
                label = " & ".join(f"no {n}" if n == absent else n for n in names)
                yield label, present | {absent: route.values(absent).absent}


async def visit(
    database: Database, scene: Scene, measured: Measured, most: int, *, under: str
) -> None:
    """Ask all routes below a path, by combinations of at most so many filters. A report reads all
    calls of a launch, so it is asked for where these are few."""
    ctx = Resources(database, await no_temporal(), simulated_lines(), lambda: scene.house.now)
    key = await create_key(ctx, "test", (EVERYTHING,))
    unlimited = ApiPolicy(rules=())
    opened = lambda: open_state(ctx, "http://testserver", unlimited)  # noqa: E731
    app = build_app(opened, unlimited, {CONSOLE: create_console()})
    session = await sign_in(ctx, key.text, address="test", rules=())
    headers, cookies = {"authorization": f"Bearer {key.text}"}, {COOKIE: session.token}
    async with (
        listening(app) as base,
        client_at(base, headers=headers, cookies=cookies, timeout=60) as http,
    ):
        for route in (each for each in routes() if each.path.startswith(under)):
            if under == "/" and route.path.endswith("/report"):
                continue
            for label, query in questions(route, most):
                measured.operation = f"GET {route.path} {label}".rstrip()
                await _ask(http, route, query)


async def _ask(http: httpx.AsyncClient, route: Route, query: dict[str, str]) -> None:
    for kind in ("present", "absent") if route.in_path else ("present",):
        path = route.path
        for name in route.in_path:
            path = path.replace("{" + name + "}", getattr(route.values(name), kind))
        response = await http.get(path, params=query)
        expected = (200, 404) if not path.endswith("/report") else (200, 404, 422)  # too large
        if path.startswith(f"{CONSOLE}/launches/"):
            expected = (200, 303, 404)  # it leads to its campaign
        assert response.status_code in expected, (path, query, response.text)
        if response.status_code == 200 and "cursor" in route.paged:
            cursor = response.json()["next_cursor"]
            if cursor:
                response = await http.get(path, params=query | {"cursor": cursor})
                assert response.status_code == 200, (path, query, response.text)
