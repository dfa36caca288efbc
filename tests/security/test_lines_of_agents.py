"""An agent that was registered for one line does not redirect calls on another."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.catalog import CATALOG
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.accounts import directory
from outdial.services.accounts.rights import require_for_call
from outdial.services.errors import ScopeMissing
from tests.api.v1.conftest import bearer, new_key
from tests.security.test_rights import FOREIGN, OWN_NUMBER, PLAIN
from tests.services.world import SECRET, World

TO = {"to": "+12125550143"}
REDIRECTING: dict[str, dict[str, Any]] = {
    "settings": {"settings": {"twiml": "<Response><Dial>+1900</Dial></Response>"}},
    "an address": {"remote_id": "https://attacker.net/twiml"},
}


@pytest.fixture
def two_lines(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """One more line, whose agents are TwiML, and which shows another number."""
    config = LineConfig(name="twilio", credentials={"webhook_secret": SECRET})
    provider = SimulatedProvider(config)
    twilio = object.__new__(CATALOG["twilio"])
    monkeypatch.setattr(provider, "beyond_speech", twilio.beyond_speech)
    lines: Lines = world.ctx.lines
    other = Line("twilio", provider, LinePolicy(caller_ids=(OWN_NUMBER,)))
    monkeypatch.setitem(lines._lines, "twilio", other)
    return world


async def key(world: World, *scopes: str) -> dict[str, str]:
    return bearer((await new_key(world, scopes=scopes)).text)


@pytest.mark.parametrize("what", REDIRECTING)
async def test_on_another_line_an_agent_is_checked_again(
    two_lines: World, api: httpx.AsyncClient, what: str
) -> None:
    plain = await key(two_lines, *PLAIN)
    trusted = await key(two_lines, *PLAIN, "dialing:override")
    body = {"id": "r", "name": "r", "line": "simulated"} | REDIRECTING[what]
    assert (await api.post("/v1/agents", json=body, headers=plain)).status_code == 201
    for agent in ("r", {"id": "r"}, {"id": "r", "settings": {"machine_detection": "Enable"}}):
        call = TO | {"agent": agent, "line": "twilio"}
        refused = await api.post("/v1/calls", json=call, headers=plain)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert "dialing:override" in refused.json()["detail"]
        assert (await api.post("/v1/calls", json=call, headers=trusted)).status_code == 202
        on_its_own = TO | {"agent": agent}
        assert (await api.post("/v1/calls", json=on_its_own, headers=plain)).status_code == 202
    # Nor does it come to that line by changes, or as an agent of any line.
    for line in ("twilio", None):
        moved = await api.patch("/v1/agents/r", json={"line": line}, headers=plain)
        assert moved.status_code == 403
        again = body | {"id": f"r-{line}", "line": line}
        assert (await api.post("/v1/agents", json=again, headers=plain)).status_code == 403
    # As the default agent it is not asked for by name.
    default = await api.patch("/v1/agents/r", json={"is_default": True}, headers=plain)
    assert default.status_code == 200
    nobody = await api.post("/v1/calls", json=TO | {"line": "twilio"}, headers=plain)
    assert nobody.status_code == 403


async def test_registered_for_a_line_by_whom_may_it_speaks_there(
    two_lines: World, api: httpx.AsyncClient
) -> None:
    plain = await key(two_lines, *PLAIN)
    trusted = await key(two_lines, *PLAIN, "dialing:override")
    for name, line in (("any", None), ("own", "twilio")):
        body = {"id": name, "name": name, "line": line} | REDIRECTING["settings"]
        assert (await api.post("/v1/agents", json=body, headers=trusted)).status_code == 201
        call = TO | {"agent": name, "line": "twilio"}
        assert (await api.post("/v1/calls", json=call, headers=plain)).status_code == 202


async def test_two_changes_at_once_do_not_add_up(
    two_lines: World, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Harmless on the line, and harmless settings: together they would not be."""
    plain = await key(two_lines, *PLAIN)
    body = {"id": "r", "name": "r", "line": "simulated"}
    assert (await api.post("/v1/agents", json=body, headers=plain)).status_code == 201
    read = directory.get

    async def read_and_changed(ctx: Any, of: Any, kept_id: str) -> Any:
        tag = await read(ctx, of, kept_id)
        monkeypatch.setattr(directory, "get", read)
        await directory.change(ctx, of, kept_id, REDIRECTING["settings"])
        return tag

    monkeypatch.setattr(directory, "get", read_and_changed)
    moved = await api.patch("/v1/agents/r", json={"line": "twilio"}, headers=plain)
    assert moved.status_code == 412
    assert (await api.get("/v1/agents/r", headers=plain)).json()["line"] == "simulated"


async def test_who_brings_no_agent_of_ours_is_checked_as_it_comes(
    two_lines: World, api: httpx.AsyncClient
) -> None:
    """A request by Nexus goes to the provider as it is: that an agent of this id is registered
    says nothing about it."""
    trusted = await key(two_lines, *PLAIN, "dialing:override")
    body = {"id": "a:b", "name": "r", "line": "twilio"}
    assert (await api.post("/v1/agents", json=body, headers=trusted)).status_code == 201
    request = CallRequest.model_validate(TO | {"agent": Agent(id="a:b"), "line": "twilio"})
    with pytest.raises(ScopeMissing):
        await require_for_call(two_lines.ctx, PLAIN, request)


NUMBERS: dict[str, tuple[str, str | None, int]] = {
    "of its line": (OWN_NUMBER, "twilio", 201),
    "of another line": (OWN_NUMBER, "simulated", 403),
    "of one line, for all": (OWN_NUMBER, None, 403),
    "of nobody": (FOREIGN, "twilio", 403),
}


@pytest.mark.parametrize("what", NUMBERS)
async def test_a_number_is_shown_on_lines_that_have_it(
    two_lines: World, api: httpx.AsyncClient, what: str
) -> None:
    phone, line, status = NUMBERS[what]
    plain = await key(two_lines, *PLAIN)
    body = {"phone": phone, "line": line}
    answer = await api.post("/v1/phone-numbers", json=body, headers=plain)
    assert answer.status_code == status, answer.text
    trusted = await key(two_lines, *PLAIN, "dialing:override")
    if status == 403:
        answer = await api.post("/v1/phone-numbers", json=body, headers=trusted)
        assert answer.status_code == 201


async def test_a_number_is_not_moved_to_a_line_that_has_it_not(
    two_lines: World, api: httpx.AsyncClient
) -> None:
    plain = await key(two_lines, *PLAIN)
    trusted = await key(two_lines, *PLAIN, "dialing:override")
    body = {"phone": OWN_NUMBER, "line": "twilio"}
    made = await api.post("/v1/phone-numbers", json=body, headers=plain)
    path = f"/v1/phone-numbers/{made.json()['id']}"
    for line in ("simulated", None):
        moved = await api.patch(path, json={"line": line}, headers=plain)
        assert (moved.status_code, moved.json()["code"]) == (403, "scope_missing")
    same = await api.patch(path, json={"line": "twilio", "label": "desk"}, headers=plain)
    assert same.status_code == 200
    call = TO | {"agent": "a", "line": "simulated", "caller_id": OWN_NUMBER}
    assert (await api.post("/v1/calls", json=call, headers=plain)).status_code == 403
    assert (await api.patch(path, json={"line": None}, headers=trusted)).status_code == 200
    assert (await api.post("/v1/calls", json=call, headers=plain)).status_code == 202
