"""Tool calls of an agent: the live call that they belong to, and the stored answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from outdial.domain.call.callback_effects import decide_effects
from outdial.domain.call.plan import CallPlan
from outdial.domain.call.settlement import Close, Settling, follow
from outdial.domain.call.status import CALL_ME_LATER
from outdial.domain.decision.decision import Candidate, Ledger
from outdial.domain.decision.nearest import NearestTimes, nearest_times
from outdial.domain.decision.planner import looks_back
from outdial.domain.decision.reasons import Reason
from outdial.store.call.calls import get_call_by_provider_id
from outdial.store.call.locked_call import LockedCall, lock_calls
from outdial.store.call.next_attempt import earlier_outcomes
from outdial.store.callbacks.effects import facts_of
from outdial.store.claims.ledger import LedgerQuery, read_ledgers
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.db.tables import recipient, tool_call
from outdial.store.records import read_consent


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that has not ended, locked, with its recipient's variables."""

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


def lock_live_call(
    s: Session, tenant: str, line: str, call_id: str | None, provider_call_id: str | None
) -> LiveCall | None:
    """Lock the line's call; None when there is none, or it has ended."""
    if call_id is None and provider_call_id is not None:
        call = get_call_by_provider_id(s, line, provider_call_id, tenant=tenant)
        call_id = None if call is None else call.id
    calls = [] if call_id is None else lock_calls(s, [call_id])
    if not calls or calls[0].status.terminal:
        return None
    locked = calls[0]
    if (locked.call.tenant, locked.call.line) != (tenant, line):
        return None
    variables = select(recipient.c.variables).where(recipient.c.id == locked.call.recipient_id)
    return LiveCall(locked, dict(s.connection().execute(variables).scalar_one()))


def plan_of_live_call(
    s: Session, tenant: str, line: str, call_id: str | None, provider_call_id: str | None
) -> CallPlan | None:
    live = lock_live_call(s, tenant, line, call_id, provider_call_id)
    return None if live is None else live.plan


def refused_redial(s: Session, live: LiveCall, at: datetime | None, now: datetime) -> Reason | None:
    """Why the recipient ends with this call, though the person asks for another; None: it does not.

    By what settlement will decide by, this call counted as an attempt.
    """
    locked = live.locked
    if locked.closing_reason is not None:
        return Reason("closing", locked.closing_reason)
    settling = Settling(
        outcome=CALL_ME_LATER,
        counts_as_attempt=True,
        earlier_outcomes=earlier_outcomes(s, [locked])[locked.id],
        zones=locked.zones,
        ended_at=now,
        redial_at=at,
        seed=str(locked.call.recipient_id),
    )
    facts = replace(facts_of(locked, settling), disposition=CALL_ME_LATER)
    following = follow(settling, live.plan.retry)
    following = decide_effects(live.plan.callbacks, facts, following).following
    return following.reason if isinstance(following, Close) else None


def nearest_redials(s: Session, live: LiveCall, at: datetime, now: datetime) -> NearestTimes | None:
    """When the person may be called again instead of at a requested time; None: they may then.

    By what a claim will decide by, this call counted as an attempt.
    """
    locked, plan = live.locked, live.plan
    refused = refused_redial(s, live, at, now)
    if refused is not None:
        return NearestTimes(refused, ())
    tenant, zones = locked.call.tenant, locked.evidence
    rulebook = read_rulebook(s, tenant, now)
    person = Candidate(
        zones=zones.candidates,
        jurisdictions=zones.jurisdictions,
        consent=read_consent(locked.recipient.consent),
        promised=True,
        destinations=zones.destinations,
    )
    phone, *others = live.phones
    back = looks_back(person, plan, rulebook)
    query = LedgerQuery(phone, tuple(others), back, (locked.call.line,))
    (ledger,) = read_ledgers(s, tenant, [query], now)
    if not locked.call.is_attempt:
        ledger = _with_attempt(ledger, now)
    return nearest_times(person, plan, ledger, at, now, rulebook)


def _with_attempt(ledger: Ledger, now: datetime) -> Ledger:
    to_number = None if ledger.to_number is None else (*ledger.to_number, now)
    return replace(ledger, attempts=(*ledger.attempts, now), to_number=to_number)


def stored_answer(s: Session, tenant: str, line: str, tool_call_id: str) -> dict[str, Any] | None:
    """The answer to a tool call that was answered before."""
    query = select(tool_call.c.answer).where(
        tool_call.c.tenant == tenant,
        tool_call.c.line == line,
        tool_call.c.tool_call_id == tool_call_id,
    )
    answer: dict[str, Any] | None = s.connection().execute(query).scalar_one_or_none()
    return answer


def store_answer(
    s: Session,
    live: LiveCall,
    tool_call_id: str,
    tool: str,
    answer: dict[str, Any],
    *,
    now: datetime,
) -> None:
    s.connection().execute(
        insert(tool_call).values(
            tenant=live.locked.call.tenant,
            line=live.locked.call.line,
            tool_call_id=tool_call_id,
            call_id=live.call_id,
            tool=tool,
            answer=answer,
            at=now,
        )
    )
