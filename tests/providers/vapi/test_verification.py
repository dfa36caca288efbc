"""How messages of Vapi are known to be genuine."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest

from outdial.providers.adapters.vapi.client import VapiProvider
from outdial.providers.errors import WebhookRefused
from tests.providers.contract.running import connected, receive_webhook
from tests.providers.contract.stage import NOW, Delivery
from tests.providers.vapi.stage import SECRET, VapiStage


def _signed(delivery: Delivery, timestamp: str) -> dict[str, str]:
    signed = timestamp.encode() + b"." + delivery.body
    signature = hmac.digest(SECRET.encode(), signed, hashlib.sha256).hex()
    return {"x-signature": signature, "x-timestamp": timestamp}


@pytest.mark.parametrize("scale", [1, 1000], ids=["seconds", "milliseconds"])
async def test_an_hmac_credential_signs_body_and_time(stage: VapiStage, scale: int) -> None:
    options = stage.options() | {"credential_id": "cred-1"}
    async with connected(VapiProvider, stage, options=options) as vapi:
        await vapi.place(stage.order())
        (call,) = stage.calls.values()
        server = call.order["assistantOverrides"]["server"]
        assert (server["credentialId"], "headers" in server) == ("cred-1", False)
        delivery = stage.message(call, type="status-update", status="ringing")
        headers = _signed(delivery, str(int(NOW.timestamp()) * scale))
        assert receive_webhook(vapi, headers, delivery.body, delivery.url, NOW)
        refused = [
            (headers, delivery.body + b" ", NOW),
            (headers | {"x-signature": ""}, delivery.body, NOW),
            (headers, delivery.body, NOW + timedelta(minutes=5, seconds=1)),
            (headers, delivery.body, NOW - timedelta(minutes=5, seconds=1)),
            (_signed(delivery, "nan"), delivery.body, NOW),
            ({"X-Vapi-Secret": SECRET}, delivery.body, NOW),
        ]
        for given, body, now in refused:
            with pytest.raises(WebhookRefused):
                receive_webhook(vapi, given, body, delivery.url, now)


async def test_an_address_list_is_one_more_lock(stage: VapiStage) -> None:
    allowed = {"allowed_addresses": ["203.0.113.0/24"], "address_header": "X-Real-IP"}
    async with connected(VapiProvider, stage, options=stage.options() | allowed) as vapi:
        await vapi.place(stage.order())
        (call,) = stage.calls.values()
        delivery = stage.message(call, type="status-update", status="ringing")
        good = delivery.headers | {"x-real-ip": "198.51.100.1, 203.0.113.9"}
        assert receive_webhook(vapi, good, delivery.body, delivery.url, NOW)
        for address in ("198.51.100.1", "203.0.113.9, 198.51.100.1", "", "home"):
            with pytest.raises(WebhookRefused):
                receive_webhook(
                    vapi,
                    delivery.headers | {"x-real-ip": address},
                    delivery.body,
                    delivery.url,
                    NOW,
                )
