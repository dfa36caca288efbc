"""`/api/v1/webhooks` (voxpria.com/docs/webhooks-api)."""

from typing import Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.voxpria.auth import NAME, needs
from outdial.api.compat.voxpria.models import Camel, Success
from outdial.domain.endpoint import Endpoint, EndpointKind, EndpointState
from outdial.services.accounts.access import Caller
from outdial.services.errors import RequestRefused
from outdial.services.webhooks import endpoints
from outdial.webhook_formats.voxpria import WORDS

router = APIRouter(prefix="/api/v1/webhooks", route_class=AdmittedRoute)


class NewWebhook(Camel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://yourapp.com/webhooks/voxpria",
                    "events": ["call.completed", "campaign.finished"],
                    "active": True,
                }
            ]
        }
    )

    url: str = Field(max_length=2000)
    events: list[str] = Field(min_length=1, max_length=50)
    active: bool | None = None
    """Default: yes."""


class Webhook(Camel):
    webhook_id: str
    url: str
    events: list[str]
    secret: str
    active: bool

    @classmethod
    def of(cls, endpoint: Endpoint, *, masked: bool) -> Self:
        return cls(
            webhook_id=endpoint.id,
            url=endpoint.url,
            events=WORDS.words_of(endpoint.events),
            secret="whsec_*****" if masked else endpoint.secret,
            active=endpoint.state is EndpointState.ENABLED,
        )


@router.post("")
async def create_webhook(
    body: NewWebhook, caller: Caller = needs("endpoints:write")
) -> Success[Webhook]:
    """The secret is shown this once."""
    try:
        meant = WORDS.meant_by(body.events)
    except ValueError as error:
        raise RequestRefused(f"events: {error}") from error
    made = await endpoints.create_endpoint(caller.ctx, body.url, meant, scheme=NAME)
    if body.active is False:
        made = await endpoints.change_endpoint(caller.ctx, made.id, enabled=False)
    return Success(data=Webhook.of(made, masked=False))


@router.get("")
async def list_webhooks(caller: Caller = needs("endpoints:read")) -> Success[list[Webhook]]:
    listed = await endpoints.list_endpoints(caller.ctx, scheme=NAME)
    own = [one for one in listed if one.kind is EndpointKind.TENANT]
    return Success(data=[Webhook.of(one, masked=True) for one in own])
