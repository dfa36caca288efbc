"""Tokens that LiveKit's webhooks carry, and those that are none."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from outdial.providers.adapters.livekit.client import LiveKitProvider
from outdial.providers.errors import WebhookRefused
from tests.providers.contract.running import receive_webhook
from tests.providers.contract.stage import NOW
from tests.providers.livekit.stage import KEY, SECRET, LiveKitStage


def _claims(stage: LiveKitStage) -> tuple[dict[str, Any], bytes]:
    delivery = stage.webhook("room_started", "outdial-1", {})
    claims = jwt.decode(
        delivery.headers["Authorization"], options={"verify_signature": False}, algorithms=["HS256"]
    )
    return claims, delivery.body


@pytest.mark.parametrize(
    ("change", "secret", "algorithm"),
    [
        ({"iss": "APIother"}, SECRET, "HS256"),
        ({"sha256": ""}, SECRET, "HS256"),
        ({"exp": None}, SECRET, "HS256"),
        ({"exp": "soon"}, SECRET, "HS256"),
        ({}, SECRET * 2, "HS512"),
        ({}, "", "none"),
    ],
)
async def test_a_token_that_is_not_good(
    stage: LiveKitStage,
    livekit: LiveKitProvider,
    change: dict[str, Any],
    secret: str,
    algorithm: str,
) -> None:
    claims, body = _claims(stage)
    kept = {name: value for name, value in (claims | change).items() if value is not None}
    forged = jwt.encode(kept, secret or None, algorithm=algorithm)  # type: ignore[arg-type]
    with pytest.raises(WebhookRefused):
        receive_webhook(livekit, {"Authorization": forged}, body, "", NOW)


@pytest.mark.parametrize("header", ["", "Bearer ", "a.b.c", "é", "Basic abc"])
async def test_a_header_that_is_no_token(
    stage: LiveKitStage, livekit: LiveKitProvider, header: str
) -> None:
    _, body = _claims(stage)
    with pytest.raises(WebhookRefused):
        receive_webhook(livekit, {"Authorization": header}, body, "", NOW)


async def test_a_good_token_may_be_called_a_bearer(
    stage: LiveKitStage, livekit: LiveKitProvider
) -> None:
    claims, body = _claims(stage)
    signed = jwt.encode(claims, SECRET, algorithm="HS256")
    assert receive_webhook(livekit, {"Authorization": f"Bearer {signed}"}, body, "", NOW) == ()
    assert claims["iss"] == KEY
