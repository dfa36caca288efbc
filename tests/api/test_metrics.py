"""`/metrics` of the API: for whoever has the token, in the format of Prometheus."""

from __future__ import annotations

import socket

import httpx
from prometheus_client.parser import text_string_to_metric_families

from outdial.api.state import ApiPolicy
from outdial.store.db.database import Database
from tests.api.conftest import serving_world
from tests.services.world import World, build_world

TOKEN = "a token of the tests"
_GIVEN = {"authorization": f"Bearer {TOKEN}"}


def values(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and the values of their labels, in the order of the labels' names."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def _read(http: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    answer = await http.get("/metrics", headers=_GIVEN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return values(answer.text)


async def test_there_is_no_such_page_without_a_token(api: httpx.AsyncClient) -> None:
    for headers in ({}, _GIVEN, {"authorization": "Bearer None"}):
        assert (await api.get("/metrics", headers=headers)).status_code == 404


async def test_only_the_token_opens_it(world: World) -> None:
    async with serving_world(world, ApiPolicy(metrics_token=TOKEN)) as http:
        wrong = ("", "Bearer", "Bearer other", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ä")
        for given in wrong:
            headers = {b"authorization": given.encode()}
            answer = await http.get("/metrics", headers=headers)
            assert (answer.status_code, "outdial_" in answer.text) == (401, False), given
        assert (await http.get("/metrics", headers=_GIVEN)).status_code == 200
        assert (await http.post("/metrics", headers=_GIVEN)).status_code == 405


async def test_requests_are_counted_by_route_and_never_by_path(world: World) -> None:
    async with serving_world(world, ApiPolicy(metrics_token=TOKEN)) as http:
        before = await _read(http)
        for path in ("/healthz", "/v1/campaigns/ada-lovelace", "/nowhere/12025550123", "/v1/no"):
            await http.get(path)
        await http.post("/hooks/simulated", content=b"{}")
        await http.request("PROPFIND", "/healthz")
        after = await _read(http)
    name = "outdial_http_request_duration_seconds_count"
    grown = {
        key[1:]: after[key] - before.get(key, 0)
        for key in after
        if key[0] == name and after[key] > before.get(key, 0)
    }
    assert grown == {
        ("GET", "/healthz", "200"): 1,
        ("GET", "/v1/campaigns/{name}", "401"): 1,
        ("GET", "unmatched", "404"): 2,
        ("POST", "/hooks/{line}", "401"): 1,
        ("other", "/healthz", "405"): 1,
        ("GET", "/metrics", "200"): 1,
    }


async def test_what_the_store_says_is_there(world: World) -> None:
    async with serving_world(world, ApiPolicy(metrics_token=TOKEN)) as http:
        read = await _read(http)
    assert read["outdial_database_up",] == 1
    assert read["outdial_temporal_up",] == 1
    assert read["outdial_outbox_overdue_seconds",] == 0
    assert ("outdial_campaigns", "running") in read


async def test_a_database_that_is_down_leaves_its_gauges_out(world: World) -> None:
    """A value that is not known must not look like a good one."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        gone = Database(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        other = build_world(gone, world.ctx.temporal)
        async with serving_world(other, ApiPolicy(metrics_token=TOKEN)) as http:
            read = await _read(http)
        gone.dispose()
    assert read["outdial_database_up",] == 0
    assert not [key for key in read if key[0] == "outdial_campaigns"]
