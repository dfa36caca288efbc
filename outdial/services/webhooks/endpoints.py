"""Endpoints: the URLs that events are delivered to."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from outdial.domain.bounds import FREE_FORM, OutOfBounds, require_within
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.fields import format_duration
from outdial.domain.endpoint import (
    EVERY_EVENT,
    STANDARD,
    Endpoint,
    EndpointKind,
    EndpointState,
    require_events,
)
from outdial.domain.operator import Action, Operation
from outdial.resources.outgoing.addresses import NameUnknown, UrlRefused, resolve
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound, PreconditionFailed, RequestRefused
from outdial.store.compliance.operator_log import note_operation
from outdial.store.webhooks import endpoints, outstanding
from outdial.store.webhooks import secrets as endpoint_secrets
from outdial.webhook_formats.catalog import WEBHOOK_FORMATS

MOST = 100
"""Endpoints of one tenant: every event is written once for each."""

OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
"""How long a former secret stays valid."""

MOST_BUSY_URLS = 1000
"""URLs named by a tenant's calls that may lag behind at the same time; one that keeps up can be
named anew for each call."""


async def create_endpoint(
    ctx: Resources,
    url: str,
    events: tuple[str, ...] = (EVERY_EVENT,),
    *,
    name: str | None = None,
    scheme: str = STANDARD,
    metadata: dict[str, Any] | None = None,
) -> Endpoint:
    """An endpoint of the tenant. Raises RequestRefused."""
    if scheme not in WEBHOOK_FORMATS:
        raise RequestRefused(
            f"scheme: found {scheme!r}; known are {', '.join(sorted(WEBHOOK_FORMATS))}"
        )
    checked = _events(events)
    _require_bounded(metadata)
    await _require_url(ctx, url)
    new = _new(ctx, url, checked, EndpointKind.TENANT).model_copy(
        update={"name": name, "scheme": scheme, "metadata": metadata or {}}
    )

    def work(s: Session) -> None:
        kind = EndpointKind.TENANT
        if endpoints.count_endpoints(s, ctx.tenant, kind, up_to=MOST) >= MOST:
            raise RequestRefused(f"found {MOST} endpoints; remove one first")
        endpoints.add_endpoint(s, new)
        _note(s, ctx, Action.CREATE, new.id, new.created_at, {"name": name})

    await ctx.database.write(work)
    return new


def _require_bounded(metadata: dict[str, Any] | None) -> None:
    try:
        require_within(metadata or {}, FREE_FORM, ("metadata",))
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None


async def endpoint_of_call(ctx: Resources, url: str, *, scheme: str = STANDARD) -> Endpoint:
    """The endpoint of calls that name this URL. Raises RequestRefused."""
    await _require_url(ctx, url)
    new = _new(ctx, url, (EVERY_EVENT,), EndpointKind.CALL).model_copy(update={"scheme": scheme})

    def work(s: Session) -> Endpoint:
        stored = endpoints.ensure_endpoint(s, new)
        most = MOST_BUSY_URLS
        if stored.id == new.id and outstanding.busy_urls(s, ctx.tenant, most) >= most:
            raise RequestRefused(
                f"url: {MOST_BUSY_URLS} URLs of earlier calls still have webhooks to take; "
                "name one of those, or an endpoint of your own"
            )
        return stored

    return await ctx.database.write(work)


async def check_targets(ctx: Resources, definition: CampaignDefinition) -> None:
    """Check URLs of webhooks. Raises RequestRefused for one that is not allowed."""
    for target in definition.webhooks:
        await _require_url(ctx, target.url)


def campaign_endpoints(
    ctx: Resources, campaign_id: int, definition: CampaignDefinition
) -> list[Endpoint]:
    """The endpoints that a campaign's definition names."""
    return [
        _new(ctx, target.url, target.events, EndpointKind.CAMPAIGN).model_copy(
            update={"campaign_id": campaign_id, "name": definition.name}
        )
        for target in definition.webhooks
    ]


async def get_endpoint(ctx: Resources, endpoint_id: str) -> Endpoint:
    """One endpoint of the tenant. Raises NotFound."""
    endpoint = await ctx.database.read(lambda s: endpoints.get_endpoint(s, ctx.tenant, endpoint_id))
    if endpoint is None:
        raise NotFound("endpoint", endpoint_id)
    return endpoint


async def list_endpoints(
    ctx: Resources,
    *,
    limit: int = MOST,
    after: tuple[datetime, str] | None = None,
    scheme: str | None = None,
) -> list[Endpoint]:
    """A page of endpoints, oldest first."""
    return await ctx.database.read(
        lambda s: endpoints.list_endpoints(s, ctx.tenant, limit=limit, after=after, scheme=scheme)
    )


async def change_endpoint(
    ctx: Resources,
    endpoint_id: str,
    *,
    url: str | None = None,
    events: tuple[str, ...] | None = None,
    name: str | None = None,
    enabled: bool | None = None,
    metadata: dict[str, Any] | None = None,
    version: int | None = None,
) -> Endpoint:
    """Change what is given. Enabled again, it gets what has waited meanwhile.

    Raises NotFound, PreconditionFailed, RequestRefused.
    """
    values: dict[str, Any] = {}
    _require_bounded(metadata)
    if url is not None:
        await _require_url(ctx, url)
        values["url"] = url
    if events is not None:
        values["events"] = list(_events(events))
    given = {"name": name, "metadata": metadata}
    values |= {field: value for field, value in given.items() if value is not None}
    if enabled is not None:
        state = EndpointState.ENABLED if enabled else EndpointState.DISABLED
        reason = None if enabled else "switched off by its owner"
        values |= {"state": state.value, "reason": reason, "failing_since": None}
    return await _change(ctx, endpoint_id, values, version)


async def rotate_secret(
    ctx: Resources, endpoint_id: str, *, overlap: timedelta = OVERLAP
) -> Endpoint:
    """Another secret, from the next request on; the one before stays valid for the overlap, and
    without one no other is. Raises NotFound, RequestRefused."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise RequestRefused(
            f"overlap: found {format_duration(overlap)}; write 0s to "
            f"{format_duration(LONGEST_OVERLAP)}"
        )
    new, now = new_secret(), ctx.clock()

    def work(s: Session) -> Endpoint | None:
        endpoint_secrets.rotate_secret(
            s, ctx.tenant, endpoint_id, new, now=now, until=now + overlap
        )
        rotated = endpoints.get_endpoint(s, ctx.tenant, endpoint_id)
        if rotated is not None:
            details = {"overlap": format_duration(overlap)}
            _note(s, ctx, Action.ROTATE, endpoint_id, now, details)
        return rotated

    endpoint = await ctx.database.write(work)
    if endpoint is None:
        raise NotFound("endpoint", endpoint_id)
    return endpoint


async def former_secret_until(ctx: Resources, endpoint_id: str) -> datetime | None:
    """Until when webhooks are signed with a former secret too."""
    now = ctx.clock()
    return await ctx.database.read(lambda s: endpoint_secrets.former_until(s, endpoint_id, now=now))


async def remove_endpoint(ctx: Resources, endpoint_id: str, *, version: int | None = None) -> None:
    """Delete an endpoint; its delivery log is kept. Raises NotFound, PreconditionFailed."""
    endpoint = await get_endpoint(ctx, endpoint_id)
    now = ctx.clock()

    def work(s: Session) -> bool:
        values = {"state": endpoints.REMOVED}
        removed = endpoints.change_endpoint(
            s, ctx.tenant, endpoint_id, values, version=version, now=now
        )
        if removed:
            _note(s, ctx, Action.REMOVE, endpoint_id, now, {"name": endpoint.name})
        return removed

    if not await ctx.database.write(work):
        raise PreconditionFailed("endpoint", endpoint.version)


def new_secret() -> str:
    """A new secret in the format of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"


def _new(ctx: Resources, url: str, events: tuple[str, ...], kind: EndpointKind) -> Endpoint:
    now = ctx.clock()
    return Endpoint(
        id=f"ep_{secrets.token_hex(12)}",
        tenant=ctx.tenant,
        kind=kind,
        url=url,
        events=events,
        secret=new_secret(),
        created_at=now,
        updated_at=now,
    )


async def _change(
    ctx: Resources, endpoint_id: str, values: dict[str, Any], version: int | None
) -> Endpoint:
    now = ctx.clock()

    def work(s: Session) -> bool:
        changed = endpoints.change_endpoint(
            s, ctx.tenant, endpoint_id, values, version=version, now=now
        )
        if changed:
            details = {"changed": sorted(values.keys() - {"reason", "failing_since"})}
            _note(s, ctx, Action.CHANGE, endpoint_id, now, details)
        return changed

    changed = await ctx.database.write(work)
    endpoint = await get_endpoint(ctx, endpoint_id)
    if not changed:
        raise PreconditionFailed("endpoint", endpoint.version)
    return endpoint


def _note(
    s: Session,
    ctx: Resources,
    action: Action,
    endpoint_id: str,
    now: datetime,
    details: dict[str, Any],
) -> None:
    operation = Operation(action, f"endpoint/{endpoint_id}", details=details)
    note_operation(s, ctx.tenant, ctx.operator, operation, now=now)


async def _require_url(ctx: Resources, url: str) -> None:
    try:
        await resolve(url, allow_private=ctx.allow_private_webhooks)
    except NameUnknown:
        return  # looked at again with every delivery
    except UrlRefused as error:
        raise RequestRefused(f"url: {error}") from error


def _events(events: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return require_events(events)
    except ValueError as error:
        raise RequestRefused(f"events: {error}") from error
