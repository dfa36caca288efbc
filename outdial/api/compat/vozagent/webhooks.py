"""`/v1/webhooks` (docs.vozagent.ai/developers/api/webhooks)."""

from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.compat.values import Timestamp
from outdial.api.compat.vozagent.auth import NAME, needs
from outdial.domain.endpoint import Endpoint, EndpointKind, EndpointState
from outdial.services.accounts.access import Caller
from outdial.services.errors import NotFound, RequestRefused
from outdial.services.webhooks import endpoints
from outdial.webhook_formats.vozagent import WORDS

router = APIRouter(prefix="/v1/webhooks", route_class=AdmittedRoute)
WebhookId = Annotated[str, Path(max_length=64)]
Url = Annotated[str, Field(max_length=2000)]
Events = Annotated[list[str], Field(min_length=1, max_length=50)]
_WITHOUT_MEANING = "other_events"
"""In an endpoint's metadata: events that it asked for and that never happen here."""


class NewWebhook(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "My Webhook",
                    "url": "https://yourapp.com/webhooks",
                    "events": ["contact.created", "call.completed"],
                }
            ]
        }
    )

    name: str = Field(min_length=1, max_length=200)
    url: Url
    events: Events


class ChangedWebhook(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"events": ["call.completed"], "isActive": True}]}
    )

    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    url: Url | None = None
    events: Events | None = None
    is_active: bool | None = Field(default=None, alias="isActive")


class Webhook(BaseModel):
    id: str
    name: str | None
    url: str
    events: list[str]
    is_active: bool
    secret: str
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, endpoint: Endpoint, *, masked: bool = True) -> Self:
        others = endpoint.metadata.get(_WITHOUT_MEANING, [])
        return cls(
            **endpoint.model_dump(include={"id", "name", "url", "created_at", "updated_at"}),
            events=[*WORDS.words_of(endpoint.events), *others],
            is_active=endpoint.state is EndpointState.ENABLED,
            secret="whsec_*****" if masked else endpoint.secret,
        )


class Deleted(BaseModel):
    id: str
    deleted: bool = True


@router.post("", status_code=201)
async def create_webhook(body: NewWebhook, caller: Caller = needs("endpoints:write")) -> Webhook:
    """The secret is shown this once."""
    events, others = _meant(body.events)
    made = await endpoints.create_endpoint(
        caller.ctx,
        _secure(caller, body.url),
        events,
        name=body.name,
        scheme=NAME,
        metadata={_WITHOUT_MEANING: others} if others else {},
    )
    return Webhook.of(made, masked=False)


@router.get("")
async def list_webhooks(caller: Caller = needs("endpoints:read")) -> list[Webhook]:
    listed = await endpoints.list_endpoints(caller.ctx, scheme=NAME)
    return [Webhook.of(one) for one in listed if one.kind is EndpointKind.TENANT]


@router.patch("/{webhook_id}")
async def change_webhook(
    webhook_id: WebhookId, body: ChangedWebhook, caller: Caller = needs("endpoints:write")
) -> Webhook:
    """`events` replaces the list."""
    await _own(caller, webhook_id)
    events, others = (None, []) if body.events is None else _meant(body.events)
    changed = await endpoints.change_endpoint(
        caller.ctx,
        webhook_id,
        url=None if body.url is None else _secure(caller, body.url),
        events=events,
        name=body.name,
        enabled=body.is_active,
        metadata=None if events is None else ({_WITHOUT_MEANING: others} if others else {}),
    )
    return Webhook.of(changed)


@router.delete("/{webhook_id}")
async def remove_webhook(
    webhook_id: WebhookId, caller: Caller = needs("endpoints:write")
) -> Deleted:
    await _own(caller, webhook_id)
    await endpoints.remove_endpoint(caller.ctx, webhook_id)
    return Deleted(id=webhook_id)


def _meant(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Our event types, and the words that stand for none. Raises RequestRefused."""
    try:
        events = WORDS.meant_by(words)
    except ValueError as error:
        raise RequestRefused(f"events: {error}") from error
    if not events:
        raise RequestRefused(f"events: of {', '.join(words)} none ever happens here")
    return events, [word for word in words if not WORDS.meant_by([word])]


def _secure(caller: Caller, url: str) -> str:
    """Raises RequestRefused for a URL in the clear, except where even private ones are allowed."""
    if url.startswith("https://") or caller.ctx.allow_private_webhooks:
        return url
    raise RequestRefused("url: write one that begins with https://")


async def _own(caller: Caller, webhook_id: str) -> None:
    """Raises NotFound for an endpoint that was not made here."""
    endpoint = await endpoints.get_endpoint(caller.ctx, webhook_id)
    if endpoint.scheme != NAME or endpoint.kind is not EndpointKind.TENANT:
        raise NotFound("webhook", webhook_id)
