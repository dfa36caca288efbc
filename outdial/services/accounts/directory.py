"""Contacts, agents and phone numbers of a tenant."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session

from outdial.domain.bounds import AGENT_SETTINGS, FREE_FORM, OutOfBounds, require_within
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.fields import parse_zone
from outdial.domain.directory import Contact, PhoneNumber, RegisteredAgent
from outdial.domain.endpoint import EventType
from outdial.domain.numbers.phone import BadPhone, is_e164, parse_phone
from outdial.domain.operator import Action, Operation
from outdial.resources.resources import Resources
from outdial.services.errors import Collision, NotFound, PreconditionFailed, RequestRefused
from outdial.store.compliance.operator_log import note_operation
from outdial.store.db.errors import StatementRefused
from outdial.store.directory import AGENTS, CONTACTS, PHONE_NUMBERS, Directory
from outdial.store.webhooks.outbox import publish_contacts

Kept = TypeVar("Kept", Contact, RegisteredAgent, PhoneNumber)

__all__ = ["AGENTS", "CONTACTS", "PHONE_NUMBERS", "Speaker", "add", "change", "get", "page"]


async def add(
    ctx: Resources,
    of: Directory[Kept],
    values: dict[str, Any],
    *,
    kept_id: str | None = None,
    lenient: bool = False,
) -> Kept:
    """Add one; `lenient`: with any number in E.164, even one that does not exist.

    Raises RequestRefused, and Collision for an id or number that is taken.
    """
    now = ctx.clock()
    kept: Kept = of.model.model_validate(
        _checked(values, lenient)
        | {
            "id": kept_id or str(uuid.uuid4()),
            "tenant": ctx.tenant,
            "created_at": now,
            "updated_at": now,
        }
    )

    def work(s: Session) -> None:
        of.add(s, kept)
        _publish(s, kept, EventType.CONTACT_CREATED, now)
        _note(s, ctx, Action.CREATE, of, kept.id, now, ())

    try:
        await ctx.database.write(work)
    except StatementRefused:
        raise Collision(f"there is a {of.kind} with this id or number already") from None
    return kept


async def add_agent(ctx: Resources, values: dict[str, Any]) -> RegisteredAgent:
    """Register an agent; without an id it is given one, and without the provider's, its own.

    Raises RequestRefused, UnknownLine, and Collision for an id that is taken.
    """
    require_line(ctx, values.get("line"))
    own = values.get("id") or str(uuid.uuid4())
    named = values | {"remote_id": values.get("remote_id") or own}
    return await add(ctx, AGENTS, named, kept_id=own)


def require_line(ctx: Resources, name: str | None) -> None:
    """Check that the tenant has the line. Raises UnknownLine."""
    if name is not None:
        ctx.lines.of_tenant(ctx.tenant)[name]


async def get(ctx: Resources, of: Directory[Kept], kept_id: str) -> Kept:
    """The tenant's entry with this id. Raises NotFound."""
    kept = await ctx.database.read(lambda s: of.get(s, ctx.tenant, kept_id))
    if kept is None:
        raise NotFound(of.kind, kept_id)
    return kept


async def find(ctx: Resources, of: Directory[Kept], **values: Any) -> Kept | None:
    """The first one with these values."""
    return await ctx.database.read(lambda s: of.find(s, ctx.tenant, **values))


async def page(
    ctx: Resources,
    of: Directory[Kept],
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    offset: int = 0,
    search: str | None = None,
    tags: Sequence[str] = (),
    **values: Any,
) -> list[Kept]:
    """A page of entries, oldest first; `values` are columns that must have these values."""
    return await ctx.database.read(
        lambda s: of.page(
            s,
            ctx.tenant,
            limit=limit,
            after=after,
            offset=offset,
            search=search,
            tags=tags,
            **values,
        )
    )


async def count(
    ctx: Resources,
    of: Directory[Kept],
    *,
    up_to: int,
    search: str | None = None,
    tags: Sequence[str] = (),
    **values: Any,
) -> int:
    """How many there are; no more are counted than `up_to`."""
    return await ctx.database.read(
        lambda s: of.count(s, ctx.tenant, up_to=up_to, search=search, tags=tags, **values)
    )


async def change(
    ctx: Resources,
    of: Directory[Kept],
    kept_id: str,
    values: dict[str, Any],
    *,
    version: int | None = None,
    lenient: bool = False,
) -> Kept:
    """Change some fields, of that version only if one is named.

    Raises NotFound, PreconditionFailed, RequestRefused, Collision.
    """
    checked, now = _checked(values, lenient), ctx.clock()

    def work(s: Session) -> bool:
        changed = of.change(s, ctx.tenant, kept_id, checked, version=version, now=now)
        if changed:
            _publish(s, of.get(s, ctx.tenant, kept_id), EventType.CONTACT_UPDATED, now)
            _note(s, ctx, Action.CHANGE, of, kept_id, now, sorted(checked))
        return changed

    try:
        changed = await ctx.database.write(work)
    except StatementRefused:
        raise Collision(f"there is a {of.kind} with this number already") from None
    kept = await get(ctx, of, kept_id)
    if not changed:
        raise PreconditionFailed(of.kind, kept.version)
    return kept


async def remove(
    ctx: Resources, of: Directory[Kept], kept_id: str, *, version: int | None = None
) -> None:
    """Delete an entry. Raises NotFound, PreconditionFailed."""
    now = ctx.clock()

    def work(s: Session) -> bool:
        removed = of.remove(s, ctx.tenant, kept_id, version=version)
        if removed:
            _note(s, ctx, Action.REMOVE, of, kept_id, now, ())
        return removed

    if not await ctx.database.write(work):
        kept = await get(ctx, of, kept_id)
        raise PreconditionFailed(of.kind, kept.version)


@dataclass(frozen=True)
class Speaker:
    """Who speaks in a call, and on which line."""

    agent: Agent
    line: str
    name: str
    """As it was requested."""
    registered: RegisteredAgent | None = None
    own_settings: Mapping[str, Any] = field(default_factory=dict)
    """Those that the call brought along, of a registered agent."""


async def speaker(ctx: Resources, named: str | Agent | None, line: str | None = None) -> Speaker:
    """Resolve the agent of a call: a registered one by its id, else one of the provider's.

    None: the default agent. Raises RequestRefused, UnknownLine.
    """
    registered = await _registered(ctx, named)
    if registered is not None:
        if not registered.is_active:
            raise RequestRefused(f"agent: {registered.id!r} is not active")
        own = named.settings if isinstance(named, Agent) else {}
        agent = Agent(id=registered.remote_id, settings=registered.settings | own)
        spoken_on = _line(ctx, line or registered.line)
        return Speaker(agent, spoken_on, registered.id, registered, own)
    if named is None:
        raise RequestRefused("agent: found none, and no agent is the default; name one")
    agent = Agent(id=named) if isinstance(named, str) else named
    return Speaker(agent, _line(ctx, line), agent.id)


async def default_agent(ctx: Resources) -> RegisteredAgent | None:
    """The agent of calls that name none."""
    return await find(ctx, AGENTS, is_default=True, is_active=True)


async def usual_agent(ctx: Resources) -> str | None:
    """The agent of a tenant whose calls name none: the default one, else the oldest active one."""
    chosen = await default_agent(ctx) or await find(ctx, AGENTS, is_active=True)
    return None if chosen is None else chosen.id


async def _registered(ctx: Resources, named: str | Agent | None) -> RegisteredAgent | None:
    if named is None:
        return await default_agent(ctx)
    return await find(ctx, AGENTS, id=named if isinstance(named, str) else named.id)


def _line(ctx: Resources, name: str | None) -> str:
    return ctx.lines.of_tenant(ctx.tenant).choose(name)


def _publish(s: Session, kept: object, event_type: EventType, now: datetime) -> None:
    """Publish a change of a contact; changes of agents and phone numbers have no event."""
    if isinstance(kept, Contact):
        publish_contacts(s, [kept], event_type, now=now)


def _note(
    s: Session,
    ctx: Resources,
    action: Action,
    of: Directory[Kept],
    kept_id: str,
    now: datetime,
    changed: Sequence[str],
) -> None:
    """Log what is done to agents and phone numbers; contacts are data that services keep here."""
    if of.kind == CONTACTS.kind:
        return
    details = {"changed": list(changed)} if changed else {}
    operation = Operation(action, f"{of.kind.replace(' ', '_')}/{kept_id}", details=details)
    note_operation(s, ctx.tenant, ctx.operator, operation, now=now)


def _checked(values: dict[str, Any], lenient: bool = False) -> dict[str, Any]:
    """Numbers in E.164, and zones that there are. Raises RequestRefused."""
    checked = dict(values)
    try:
        for name, value in checked.items():
            within = AGENT_SETTINGS if name == "settings" else FREE_FORM
            require_within(value, within, (name,))
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None
    try:
        if checked.get("phone") is not None:
            checked["phone"] = parse_phone(checked["phone"])
    except BadPhone as error:
        if not (lenient and is_e164(checked["phone"])):
            raise RequestRefused(f"phone: {error}") from error
    try:
        if checked.get("time_zone") is not None:
            parse_zone(checked["time_zone"])
    except ValueError as error:
        raise RequestRefused(f"time_zone: {error}") from error
    return checked
