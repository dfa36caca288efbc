"""/webhooks: events that Vapi and Stripe send to Voxanne. No key comes with them, but a signature.

What a valid signature is, says the configured line that made the call. The same under
/api/webhooks, where the product's public source has them.
"""

import uuid
from typing import Any

from fastapi import APIRouter, Request

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.voxanne.stripe import require_signed
from outdial.api.routes.hooks import signed_url
from outdial.api.state import state_of
from outdial.providers.errors import WebhookRefused

router = APIRouter(route_class=AdmittedRoute)


@router.post("/webhooks/vapi")
@router.post("/api/webhooks/vapi", include_in_schema=False)
async def receive_vapi(request: Request) -> dict[str, Any]:
    """Take a report about a call, from whichever line can verify it."""
    if "x-vapi-signature" not in request.headers:
        raise WebhookRefused("Missing signature or timestamp")
    body = await request.body()
    state = state_of(request)
    try:
        await state.webhooks.receive_from_any(request.headers, body, signed_url(request))
    except WebhookRefused:
        raise WebhookRefused("Invalid signature") from None
    return {"received": True, "jobId": str(uuid.uuid4()), "processed": "async"}


@router.post("/webhooks/stripe")
@router.post("/api/webhooks/stripe", include_in_schema=False)
async def receive_stripe(request: Request) -> dict[str, Any]:
    """Take a report about bills. Nothing is billed here, so nothing comes of it; without the
    setting `api.stripe_webhook_secret` there is nothing to verify it with, and it is refused."""
    state = state_of(request)
    secret = state.policy.stripe_webhook_secret
    if secret is None:
        raise WebhookRefused("Invalid signature: no Stripe account is connected")
    given = request.headers.get("stripe-signature", "")
    require_signed(given, await request.body(), secret, state.context.clock())
    return {"received": True}
