"""/v1/keys."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.paging import PAGE, Cursor, Limit, Page, page_of, read_cursor
from outdial.api.v1.refusals import refusals
from outdial.domain.access import EVERYTHING, ApiKey
from outdial.domain.definition.fields import Timestamp
from outdial.services.accounts import keys
from outdial.services.accounts.access import Caller

router = APIRouter(prefix="/keys", tags=["keys"], route_class=AdmittedRoute)
KeyId = Annotated[str, Path(max_length=64)]


class NewKey(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "booking service", "scopes": ["calls:write", "contacts:read"]}]
        },
    )

    name: str = Field(min_length=1, max_length=200)
    scopes: list[str] = Field(default=[EVERYTHING], min_length=1, max_length=50)
    expires_at: Timestamp | None = None
    calls_per_day: int | None = Field(default=None, ge=0, le=100_000_000)
    """How many calls it may request in 24 hours, recipients of campaigns included; default: as
    the key that creates it, else as the installation's settings."""


class KeyRotation(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"grace_hours": 24}]})

    grace_hours: float = Field(default=0, ge=0, le=720)
    """How long the previous secret stays valid."""


class KeyUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": False}]})

    enabled: bool


class CreatedKey(ApiKey):
    key: str
    """The key itself; it is not shown again."""


@router.post("", status_code=201, responses=refusals("key_outranked"))
async def create_key(body: NewKey, caller: Caller = needs("keys:write")) -> CreatedKey:
    """Create a key. It has at most the scopes and the lifetime of the key that creates it."""
    new = await keys.create_key(
        caller.ctx,
        body.name,
        tuple(body.scopes),
        expires_at=body.expires_at,
        calls_per_day=body.calls_per_day,
        by=caller.key,
    )
    return CreatedKey(**new.key.model_dump(), key=new.text)


@router.get("")
async def list_keys(
    limit: Limit = PAGE, cursor: Cursor = None, caller: Caller = needs("keys:read")
) -> Page[ApiKey]:
    """All keys, revoked ones included."""
    after = read_cursor(cursor, str)
    rows = await keys.list_keys(caller.ctx, limit=limit + 1, after=after[0] if after else None)
    return page_of(rows, limit, lambda key: key, lambda key: [key.id])


@router.get("/{key_id}", responses=refusals("not_found"))
async def get_key(key_id: KeyId, caller: Caller = needs("keys:read")) -> ApiKey:
    """A key, without its secret."""
    return await keys.get_key(caller.ctx, key_id)


@router.patch("/{key_id}", responses=refusals("not_found", "key_outranked"))
async def update_key(
    key_id: KeyId, body: KeyUpdate, caller: Caller = needs("keys:write")
) -> ApiKey:
    """Disable a key, or enable it again."""
    return await keys.switch_key(caller.ctx, key_id, enabled=body.enabled, by=caller.key)


@router.post("/{key_id}/rotate", responses=refusals("not_found", "key_outranked"))
async def rotate_key(
    key_id: KeyId, body: KeyRotation | None = None, caller: Caller = needs("keys:write")
) -> CreatedKey:
    """Replace a key's secret."""
    grace = timedelta(hours=body.grace_hours if body else 0)
    new = await keys.rotate_key(caller.ctx, key_id, grace=grace, by=caller.key)
    return CreatedKey(**new.key.model_dump(), key=new.text)


@router.delete("/{key_id}", responses=refusals("not_found", "key_outranked"))
async def revoke_key(key_id: KeyId, caller: Caller = needs("keys:write")) -> ApiKey:
    """Revoke a key for good. It stays listed."""
    return await keys.revoke_key(caller.ctx, key_id, by=caller.key)
