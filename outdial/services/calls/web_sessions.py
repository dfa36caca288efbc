"""Talks in a browser: a token for a room in which an agent speaks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from outdial.resources.resources import Resources
from outdial.services.accounts import directory
from outdial.services.errors import NotOffered, RequestRefused


@dataclass(frozen=True)
class OpenedSession:
    session_id: str
    url: str
    token: str = field(repr=False)
    room: str


async def open_web_session(ctx: Resources, agent: str, context: Mapping[str, Any]) -> OpenedSession:
    """Admit a browser to a room with an agent, on the agent's line or the first one that can.

    Raises RequestRefused for an agent that is not active, NotOffered when no line of the tenant
    can do that.
    """
    registered = await directory.find(ctx, directory.AGENTS, id=agent)
    if registered is not None and not registered.is_active:
        raise RequestRefused(f"agent: {agent!r} is not active")
    remote = agent if registered is None else registered.remote_id
    own = None if registered is None else registered.line
    session_id, now = f"web_{uuid.uuid4().hex}", ctx.clock()
    for name, line in sorted(ctx.lines.of_tenant(ctx.tenant).items()):
        if own not in (None, name):
            continue
        opened = line.provider.admit_visitor(session_id, remote, context, now)
        if opened is not None:
            return OpenedSession(session_id, opened.url, opened.token, opened.room)
    raise NotOffered("no line that browsers can call is configured; configure a LiveKit line")
