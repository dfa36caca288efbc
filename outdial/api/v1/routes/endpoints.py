"""/v1/endpoints."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.answers import IdempotencyKey, IfMatch, answered_once, tag, version_of
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of
from outdial.api.v1.refusals import OF_KEY, refusals
from outdial.api.v1.routes.calls import place_of
from outdial.domain.endpoint import EVERY_EVENT, STANDARD, EndpointKind, EndpointState
from outdial.domain.endpoint import Endpoint as StoredEndpoint
from outdial.services.accounts.access import Caller
from outdial.services.webhooks import endpoints

router = APIRouter(prefix="/endpoints", tags=["endpoints"], route_class=AdmittedRoute)
EndpointId = Annotated[str, Path(max_length=64)]
Events = Annotated[list[str], Field(min_length=1, max_length=50)]


class NewEndpoint(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "url": "https://example.com/hooks/outdial",
                    "events": ["call.completed", "campaign.finished"],
                }
            ]
        },
    )

    url: str = Field(max_length=2000)
    events: Events = [EVERY_EVENT]
    """The events it receives, such as `call.completed`; `*` means all."""
    name: str | None = Field(default=None, max_length=200)
    scheme: str = Field(default=STANDARD, max_length=50)
    """How webhooks are written and signed: `standard`, or the format of a compatible system such
    as `buildvoiceai`. Events are selected by our names in any case."""


class EndpointUpdate(BaseModel):
    """Fields left out are not changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": True}]})

    url: str | None = Field(default=None, max_length=2000)
    events: Events | None = None
    name: str | None = Field(default=None, max_length=200)
    enabled: bool | None = None
    """When enabled again, it receives what has waited."""


class Endpoint(BaseModel):
    id: str
    kind: EndpointKind
    name: str | None
    url: str
    events: list[str]
    scheme: str
    state: EndpointState
    reason: str | None
    """Why it is disabled."""
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, endpoint: StoredEndpoint) -> "Endpoint":
        return cls(**endpoint.model_dump(include=set(cls.model_fields)))


class EndpointSecret(BaseModel):
    id: str
    secret: str
    """Verifies signatures, as Standard Webhooks describes."""
    former_until: datetime | None = None
    """Until when the secret before a rotation is valid too; null: none is."""


class SecretRotation(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"overlap_hours": 24}]},
    )

    overlap_hours: float = Field(default=24, ge=0, le=168, allow_inf_nan=False)
    """How long the previous secret stays valid. With 0 it is invalid at once: for a secret that
    has leaked."""


class CreatedEndpoint(Endpoint):
    secret: str


@router.post("", status_code=201, response_model=CreatedEndpoint, responses=refusals(*OF_KEY))
async def create_endpoint(
    body: NewEndpoint,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("endpoints:write"),
) -> Response:
    """Register a URL for events, delivered as signed webhooks (Standard Webhooks)."""

    async def carry_out() -> CreatedEndpoint:
        made = await endpoints.create_endpoint(
            caller.ctx, body.url, tuple(body.events), name=body.name, scheme=body.scheme
        )
        return CreatedEndpoint(**dict(Endpoint.of(made)), secret=made.secret)

    return await answered_once(request, caller, idempotency_key, carry_out, 201)


@router.get("")
async def list_endpoints(
    limit: Limit = PAGE, cursor: Cursor = None, caller: Caller = needs("endpoints:read")
) -> Page[Endpoint]:
    """The endpoints, oldest first, those of campaigns and calls included."""
    listed = await endpoints.list_endpoints(caller.ctx, limit=limit + 1, after=place_of(cursor))
    return page_of(listed, limit, Endpoint.of, lambda one: [one.created_at.isoformat(), one.id])


@router.get("/{endpoint_id}", responses=refusals("not_found"))
async def get_endpoint(
    endpoint_id: EndpointId, response: Response, caller: Caller = needs("endpoints:read")
) -> Endpoint:
    """An endpoint, without its secret; its version is the ETag."""
    endpoint = await endpoints.get_endpoint(caller.ctx, endpoint_id)
    response.headers.update(tag(endpoint.version))
    return Endpoint.of(endpoint)


@router.patch("/{endpoint_id}", responses=refusals("not_found", "precondition_failed"))
async def update_endpoint(
    endpoint_id: EndpointId,
    body: EndpointUpdate,
    response: Response,
    if_match: IfMatch = None,
    caller: Caller = needs("endpoints:write"),
) -> Endpoint:
    """Change an endpoint, or enable it again. With `If-Match`, only from that version."""
    endpoint = await endpoints.change_endpoint(
        caller.ctx,
        endpoint_id,
        url=body.url,
        events=None if body.events is None else tuple(body.events),
        name=body.name,
        enabled=body.enabled,
        version=version_of(if_match),
    )
    response.headers.update(tag(endpoint.version))
    return Endpoint.of(endpoint)


@router.get("/{endpoint_id}/secret", responses=refusals("not_found"))
async def get_endpoint_secret(
    endpoint_id: EndpointId, caller: Caller = needs("endpoints:write")
) -> EndpointSecret:
    """The secret by which webhooks of this endpoint are verified."""
    endpoint = await endpoints.get_endpoint(caller.ctx, endpoint_id)
    return await _secret_of(caller, endpoint)


@router.post("/{endpoint_id}/secret/rotate", responses=refusals("not_found"))
async def rotate_endpoint_secret(
    endpoint_id: EndpointId,
    body: SecretRotation | None = None,
    caller: Caller = needs("endpoints:write"),
) -> EndpointSecret:
    """Replace the secret. During the overlap, webhooks are signed with both."""
    overlap = timedelta(hours=(body or SecretRotation()).overlap_hours)
    endpoint = await endpoints.rotate_secret(caller.ctx, endpoint_id, overlap=overlap)
    return await _secret_of(caller, endpoint)


async def _secret_of(caller: Caller, endpoint: StoredEndpoint) -> EndpointSecret:
    until = await endpoints.former_secret_until(caller.ctx, endpoint.id)
    return EndpointSecret(id=endpoint.id, secret=endpoint.secret, former_until=until)


@router.delete(
    "/{endpoint_id}", status_code=204, responses=refusals("not_found", "precondition_failed")
)
async def delete_endpoint(
    endpoint_id: EndpointId, if_match: IfMatch = None, caller: Caller = needs("endpoints:write")
) -> None:
    """Delete an endpoint. Its deliveries stay in the log."""
    await endpoints.remove_endpoint(caller.ctx, endpoint_id, version=version_of(if_match))
