"""A call while it lasts: whom it is with, and what its agent was told so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from outdial.domain.call.plan import CallPlan
from outdial.store.call.calls import get_call_by_provider_id
from outdial.store.call.locked_call import LockedCall, lock_calls
from outdial.store.db.tables import recipient, tool_call


@dataclass(frozen=True, slots=True)
class Talk:
    locked: LockedCall
    variables: dict[str, str]

    @property
    def plan(self) -> CallPlan:
        return self.locked.plan

    @property
    def call_id(self) -> str:
        return self.locked.id

    @property
    def phones(self) -> list[str]:
        return self.locked.phones


def find_talk(
    s: Session, tenant: str, line: str, call_id: str | None, provider_call_id: str | None
) -> Talk | None:
    """The call of that line, locked; None when there is none, or it has ended."""
    if call_id is None and provider_call_id is not None:
        known = get_call_by_provider_id(s, line, provider_call_id, tenant=tenant)
        call_id = None if known is None else known.id
    found = [] if call_id is None else lock_calls(s, [call_id])
    if not found or found[0].status.terminal:
        return None
    locked = found[0]
    if (locked.call.tenant, locked.call.line) != (tenant, line):
        return None
    variables = select(recipient.c.variables).where(recipient.c.id == locked.call.recipient_id)
    return Talk(locked, dict(s.connection().execute(variables).scalar_one()))


def plan_of_talk(
    s: Session, tenant: str, line: str, call_id: str | None, provider_call_id: str | None
) -> CallPlan | None:
    talk = find_talk(s, tenant, line, call_id, provider_call_id)
    return None if talk is None else talk.plan


def told_before(s: Session, tenant: str, line: str, tool_call_id: str) -> dict[str, Any] | None:
    """What this question was answered with, when it was heard before."""
    found = select(tool_call.c.answer).where(
        tool_call.c.tenant == tenant,
        tool_call.c.line == line,
        tool_call.c.tool_call_id == tool_call_id,
    )
    answer: dict[str, Any] | None = s.connection().execute(found).scalar_one_or_none()
    return answer


def note_told(
    s: Session,
    talk: Talk,
    tool_call_id: str,
    tool: str,
    answer: dict[str, Any],
    *,
    now: datetime,
) -> None:
    s.connection().execute(
        insert(tool_call).values(
            tenant=talk.locked.call.tenant,
            line=talk.locked.call.line,
            tool_call_id=tool_call_id,
            call_id=talk.call_id,
            tool=tool,
            answer=answer,
            at=now,
        )
    )
