"""A call that asks for nothing in particular is taken by every system's API on every line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from outdial.providers.catalog import CATALOG, build_provider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.accounts import directory
from outdial.services.accounts.directory import CONTACTS, PHONE_NUMBERS
from tests.api.conftest import database, serving_world
from tests.api.v1.conftest import bearer, new_key
from tests.services.servers import world
from tests.services.world import World

__all__ = ["database", "world"]

TO, SHOWN = "+14155551234", "+18005551234"
CREDENTIALS = (
    "api_key",
    "api_secret",
    "webhook_secret",
    "public_key",
    "account_sid",
    "auth_token",
    "api_key_secret",
)
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "elevenlabs": [
        {"phone_number_id": "p", "telephony": telephony} for telephony in ("twilio", "sip-trunk")
    ],
    "livekit": [{"sip_trunk_id": "ST_1"}],
    "telnyx": [{"connection_id": "c"}],
    "vapi": [{"phone_number_id": "p"}],
}
SETTINGS: dict[str, dict[str, Any]] = {"twilio": {"twiml": "<Response/>"}}
"""What an agent needs before a provider takes it: Twilio's is a document, not a name."""
LINES = [(name, options) for name in CATALOG for options in OPTIONS.get(name, [{}])]


def line_of(name: str, options: dict[str, Any]) -> Line:
    url = "https://example.livekit.cloud" if name == "livekit" else None
    given = dict.fromkeys(CREDENTIALS, "k")
    config = LineConfig(name=name, credentials=given, options=options, base_url=url)
    return Line(name, build_provider(name, config), LinePolicy())


@pytest.mark.parametrize(("name", "options"), LINES, ids=lambda value: str(value))
async def test_a_plain_call_is_taken(world: World, name: str, options: dict[str, Any]) -> None:
    line = line_of(name, options)
    world = replace(world, ctx=replace(world.ctx, lines=Lines([line])))
    ctx = world.ctx
    agent = {"id": "agent_xyz", "name": "Voz", "is_default": True}
    await directory.add_agent(ctx, agent | {"settings": SETTINGS.get(name, {})})
    await directory.add(ctx, PHONE_NUMBERS, {"phone": SHOWN, "agent_id": "agent_xyz"})
    contact = await directory.add(ctx, CONTACTS, {"phone": TO, "first_name": "Jane"})
    dials: list[tuple[str, dict[str, Any] | None]] = [
        ("buildvoiceai/api/v1/calls/trigger", {"phone_number": TO, "agent_id": "agent_xyz"}),
        ("vozagent/v1/calls/outbound", {"phone_number": TO, "assistant_name": "Voz"}),
        (f"voxanne/api/contacts/{contact.id}/call-back", None),
        ("voxpria/api/v1/calls", {"agentId": "agent_xyz", "toNumber": TO, "variables": {}}),
    ]
    stated = {"agent_id": "agent_xyz", "to_number": TO, "from_number": SHOWN}
    order = {"to": TO, "agent": "agent_xyz", "max_duration": 600}
    async with serving_world(world) as http:
        http.headers.update(bearer((await new_key(world)).text))
        answers = [await http.post(f"/compat/{path}", json=body) for path, body in dials]
        dialed = await http.post("/compat/thinnestai/voice/outbound/dial", json=stated)
        plain = await http.post("/v1/calls", json={"to": TO, "agent": "agent_xyz"})
        limited = await http.post("/v1/calls", json=order)
    assert plain.status_code == 202, plain.text
    if line.provider.carried.max_duration is not None:
        assert limited.status_code == 202, limited.text
    else:
        assert limited.status_code >= 400, "it says 600, though that is the default"
        assert "max_duration" in limited.text
    assert {answer.status_code for answer in answers} <= {200, 201}, [a.text for a in answers]
    if line.provider.carried.caller_id:
        assert dialed.status_code == 200, dialed.text
    else:  # it has to state a number there, which this line would not show
        assert dialed.status_code == 400
        assert "caller_id" in dialed.text
