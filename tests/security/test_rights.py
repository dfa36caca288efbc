"""What goes beyond placing calls needs a scope of its own, at every door that takes it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from outdial.dispatch.errors import WorkerTimeout
from outdial.domain.access import BEYOND, SCOPES, allows
from outdial.domain.definition.source import InlineRecipient
from outdial.intake.definition import read_definition_text
from outdial.providers.catalog import CATALOG
from outdial.resources.integrations import Integrations
from outdial.resources.outgoing.mail import MailServer
from outdial.services.accounts.rights import require_for_definition, require_for_recipients
from outdial.services.campaigns.adding import add_recipients
from outdial.services.campaigns.launching import launch_campaign
from tests.api.v1.conftest import bearer, new_key
from tests.services.world import World

PLAIN = tuple(scope for scope in SCOPES if scope not in BEYOND and scope != "*")
"""Everything that a key may do without one of the scopes that go beyond."""
OWN_NUMBER = "+12025550199"
FOREIGN = "+13125550123"

CAMPAIGN: dict[str, Any] = {
    "name": "n", "purpose": "informational", "agent": "a", "line": "simulated",
    "recipients": [{"phone": "+12125550143", "email": "x@example.com"}],
    "schedule": {"hours": "00:00-24:00"},
}  # fmt: skip
MAIL = MailServer("127.0.0.1", 25, "desk@example.com", recipients=("@example.com",))
EMAIL = {"do": "email", "to": "x@example.com", "subject": "s", "body": "b"}
WEBHOOK = {"do": "webhook", "url": "https://example.com", "auth": "crm"}
RISK = [{"rule": "US-FL.hours", "reason": "counsel has looked at it"}]
DEFINITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "mail": ({"callbacks": [EMAIL]}, "mail:send"),
    "mail, later": ({"callbacks": [WEBHOOK | {"auth": None}, EMAIL]}, "mail:send"),
    "a secret": ({"callbacks": [WEBHOOK]}, "secrets:use"),
    "a risk": ({"accept_risk": RISK}, "risks:accept"),
    "a caller id": ({"caller_ids": [FOREIGN]}, "dialing:override"),
    "one of two": ({"caller_ids": [OWN_NUMBER, FOREIGN]}, "dialing:override"),
    "of a share": (
        {"line": [{"name": "simulated", "caller_ids": [FOREIGN]}]}, "dialing:override",
    ),
}  # fmt: skip


@pytest.fixture
def with_number(world: World) -> World:
    line = world.ctx.lines["simulated"]
    line.policy = line.policy.model_copy(update={"caller_ids": (OWN_NUMBER,)})
    return world


async def key(world: World, *scopes: str) -> dict[str, str]:
    return bearer((await new_key(world, scopes=scopes)).text)


@pytest.mark.parametrize("what", DEFINITIONS)
async def test_a_definition_by_api_has_the_rights_of_its_key(
    api: httpx.AsyncClient, with_number: World, what: str
) -> None:
    more, scope = DEFINITIONS[what]
    headers = await key(with_number, *PLAIN, *(set(BEYOND) - {scope}))
    answer = await api.post("/v1/campaigns", json=CAMPAIGN | more, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), answer.text
    assert scope in answer.json()["detail"]
    listed = await api.get("/v1/campaigns", headers=headers)
    assert listed.json()["items"] == []


async def test_with_the_scope_it_is_taken(api: httpx.AsyncClient, with_number: World) -> None:
    headers = await key(with_number, *PLAIN, "dialing:override", "secrets:use")
    more = DEFINITIONS["a caller id"][0] | DEFINITIONS["a secret"][0]
    answer = await api.post("/v1/campaigns", json=CAMPAIGN | more, headers=headers)
    assert answer.status_code == 201, answer.text


async def test_mail_by_api_needs_recipients_in_the_settings(
    api: httpx.AsyncClient, with_number: World
) -> None:
    headers = await key(with_number, *PLAIN, "mail:send")
    answer = await api.post(
        "/v1/campaigns", json=CAMPAIGN | {"callbacks": [EMAIL]}, headers=headers
    )
    assert answer.status_code == 422
    assert "mail.recipients" in answer.json()["detail"]
    ruled = replace(with_number.ctx, integrations=Integrations(mail=MAIL))
    loaded = read_definition_text(json.dumps(CAMPAIGN | {"callbacks": [EMAIL]}))
    await require_for_definition(ruled, (*PLAIN, "mail:send"), loaded.definition)


@pytest.mark.parametrize("name", ["X-Remote-User", "Authorization", "Client-IP"])
async def test_headers_by_api_are_of_a_list(
    api: httpx.AsyncClient, with_number: World, name: str
) -> None:
    callback = WEBHOOK | {"auth": None, "headers": {"X-Api-Key": "1", name: "root"}}
    definition = CAMPAIGN | {"callbacks": [callback]}
    headers = await key(with_number, "*")
    answer = await api.post("/v1/campaigns", json=definition, headers=headers)
    assert answer.status_code == 422
    assert f"callbacks[0].headers: found the header {name}" in answer.json()["detail"]
    loaded = read_definition_text(json.dumps(definition))
    if name != "Authorization":
        named = replace(with_number.ctx, callback_headers=(name.lower(),))
        await require_for_definition(named, ("*",), loaded.definition)
    assert (await launch_campaign(with_number.ctx, loaded)).created


async def test_people_by_api_get_no_mail_of_the_operators_campaign(
    api: httpx.AsyncClient, with_number: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its template writes to whatever address comes with them."""
    monkeypatch.setattr("outdial.dispatch.campaigns.ANSWER_WITHIN", timedelta(milliseconds=50))
    to_people = EMAIL | {"to": "{{ email }}"}
    for name, callbacks in (("plain", [WEBHOOK]), ("mails", [WEBHOOK, to_people])):
        loaded = read_definition_text(json.dumps(CAMPAIGN | {"name": name, "callbacks": callbacks}))
        await launch_campaign(with_number.ctx, loaded)
    body = {"recipients": [{"phone": "+12125550144", "email": "victim@example.org"}]}
    untrusted = await key(with_number, *PLAIN, *(set(BEYOND) - {"mail:send"}))
    refused = await api.post("/v1/campaigns/mails/recipients", json=body, headers=untrusted)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "mail:send" in refused.json()["detail"]
    trusted = await key(with_number, *PLAIN, "mail:send")
    unruled = await api.post("/v1/campaigns/mails/recipients", json=body, headers=trusted)
    assert unruled.status_code == 422
    assert "mail.recipients" in unruled.json()["detail"]
    people = [InlineRecipient.model_validate(body["recipients"][0])]
    ruled = replace(with_number.ctx, integrations=Integrations(mail=MAIL))
    require_for_recipients(ruled, (*PLAIN, "mail:send"), loaded.definition)
    # The operator adds whom they like, and a campaign without mail takes anybody.
    with pytest.raises(WorkerTimeout):  # they are staged; there is no worker here
        await add_recipients(with_number.ctx, "mails", people)
    plain = await key(with_number, *PLAIN)
    taken = await api.post("/v1/campaigns/plain/recipients", json=body, headers=plain)
    assert (taken.status_code, taken.json()["code"]) == (503, "no_worker")


async def test_the_operators_own_files_need_none(with_number: World) -> None:
    more = {"callbacks": [EMAIL, WEBHOOK], "accept_risk": RISK, "caller_ids": [FOREIGN]}
    loaded = read_definition_text(json.dumps(CAMPAIGN | more))
    assert (await launch_campaign(with_number.ctx, loaded)).created


CALL = {"to": "+12125550143", "agent": "a", "line": "simulated"}
CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "a caller id": ({"caller_id": FOREIGN}, "dialing:override"),
    "a risk": ({"accept_risk": RISK}, "risks:accept"),
}


@pytest.mark.parametrize("what", CALLS)
async def test_a_call_too(api: httpx.AsyncClient, with_number: World, what: str) -> None:
    more, scope = CALLS[what]
    headers = await key(with_number, *PLAIN, *(set(BEYOND) - {scope}))
    answer = await api.post("/v1/calls", json=CALL | more, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    own = await api.post("/v1/calls", json=CALL | {"caller_id": OWN_NUMBER}, headers=headers)
    assert own.status_code == 202
    headers = await key(with_number, *PLAIN, scope)
    assert (await api.post("/v1/calls", json=CALL | more, headers=headers)).status_code == 202


async def test_a_number_is_registered_by_whom_it_belongs_to(
    api: httpx.AsyncClient, with_number: World
) -> None:
    """Else a key could register any number, and show it then."""
    headers = await key(with_number, *PLAIN)
    refused = await api.post("/v1/phone-numbers", json={"phone": FOREIGN}, headers=headers)
    assert refused.status_code == 403
    own = await api.post("/v1/phone-numbers", json={"phone": OWN_NUMBER}, headers=headers)
    assert own.status_code == 201
    trusted = await key(with_number, *PLAIN, "dialing:override")
    made = await api.post("/v1/phone-numbers", json={"phone": FOREIGN}, headers=trusted)
    assert made.status_code == 201
    shown = await api.post("/v1/calls", json=CALL | {"caller_id": FOREIGN}, headers=headers)
    assert shown.status_code == 202


REDIRECTING: dict[str, tuple[str, dict[str, Any]]] = {
    "twilio": ("a", {"twiml": "<Response><Dial>+1900</Dial></Response>"}),
    "telnyx": ("a", {"custom_headers": [{"name": "X-To", "value": "1"}]}),
    "vapi": ("a", {"transport": {}, "model": {"tools": [{"type": "transferCall"}]}}),
    "bland": ("a", {"task": "x", "transfer_phone_number": "+1900"}),
    "retell": ("a", {"custom_sip_headers": {}}),
    "elevenlabs": ("a", {"telephony_call_config": {}}),
}
HARMLESS: dict[str, dict[str, Any]] = {
    "twilio": {"machine_detection": "Enable"},
    "telnyx": {"answering_machine_detection": "premium"},
    "vapi": {"firstMessage": "Hello"},
    "bland": {"task": "Say hello"},
    "retell": {"voicemail_option": {}},
    "elevenlabs": {"conversation_config_override": {}},
    "simulated": {"anything": 1},
    "livekit": {"anything": 1},
}


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_what_changes_whom_a_call_reaches(name: str) -> None:
    """Every provider, so that a new one has to say what its settings are."""
    kind = CATALOG[name]
    provider = object.__new__(kind)
    agent, settings = REDIRECTING.get(name, ("a", {}))
    assert bool(provider.beyond_speech(agent, settings)) is (name in REDIRECTING)
    assert provider.beyond_speech("a", HARMLESS.get(name, {})) == []
    unknown = provider.beyond_speech("a", {"setting_of_tomorrow": 1})
    assert bool(unknown) is (name not in {"simulated", "livekit"})


def test_an_address_is_an_agent_of_twilio() -> None:
    provider = object.__new__(CATALOG["twilio"])
    assert provider.beyond_speech("https://attacker.net/twiml", {}) == ["id"]
    assert provider.beyond_speech(None, {}) == []


async def test_registered_agents_were_checked_before(
    api: httpx.AsyncClient, with_number: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = with_number.ctx.lines["simulated"].provider
    twilio = object.__new__(CATALOG["twilio"])
    monkeypatch.setattr(provider, "beyond_speech", twilio.beyond_speech)
    plain = await key(with_number, *PLAIN)
    trusted = await key(with_number, *PLAIN, "dialing:override")
    bad = {"id": "r", "name": "r", "settings": {"twiml": "<Response/>"}}
    url = {"id": "u", "name": "u", "remote_id": "https://example.com/twiml"}
    for body in (bad, url):
        assert (await api.post("/v1/agents", json=body, headers=plain)).status_code == 403
        assert (await api.post("/v1/agents", json=body, headers=trusted)).status_code == 201
        call = CALL | {"agent": body["id"]}
        assert (await api.post("/v1/calls", json=call, headers=plain)).status_code == 202
    for change in ({"settings": {"twiml": "x"}}, {"remote_id": "https://attacker.net/"}):
        answer = await api.patch("/v1/agents/r", json=change, headers=plain)
        assert answer.status_code == 403
    assert (await api.patch("/v1/agents/r", json={"name": "x"}, headers=plain)).status_code == 200
    own = CALL | {"agent": {"id": "r", "settings": {"twiml": "<Response/>"}}}
    assert (await api.post("/v1/calls", json=own, headers=plain)).status_code == 403


COMPAT: dict[str, tuple[str, dict[str, Any]]] = {
    "buildvoiceai": (
        "/api/v1/calls/trigger", {"phone_number": "+12125550143", "agent_id": "https://attacker.net"},
    ),
    "voxpria": ("/api/v1/calls", {"toNumber": "+12125550143", "agentId": "https://attacker.net"}),
    "thinnestai": (
        "/voice/outbound/dial",
        {"to_number": "+12125550143", "from_number": OWN_NUMBER, "agent_id": "https://attacker.net"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", COMPAT)
async def test_compatible_apis_choose_no_address_either(
    api: httpx.AsyncClient, with_number: World, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = with_number.ctx.lines["simulated"].provider
    twilio = object.__new__(CATALOG["twilio"])
    monkeypatch.setattr(provider, "beyond_speech", twilio.beyond_speech)
    path, body = COMPAT[system]
    plain = await key(with_number, *PLAIN)
    answer = await api.post(f"/compat/{system}{path}", json=body, headers=plain)
    assert answer.status_code == 403, answer.text
    trusted = await key(with_number, *PLAIN, "dialing:override")
    answer = await api.post(f"/compat/{system}{path}", json=body, headers=trusted)
    assert answer.is_success, answer.text


def test_no_scope_implies_them() -> None:
    for scope in BEYOND:
        assert allows(("*",), scope)
        assert not allows(PLAIN, scope)
