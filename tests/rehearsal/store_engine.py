"""The real store behind the rehearsal's port: claims, fences and settlements in a database."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from unittest.mock import patch

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.event import CallEnd, CallEvent, EventKind
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord
from outdial.domain.rules.location import LocatedDraft
from outdial.rehearsal.engine import CallReport, Claimed, Passage, ReservedCall, Verdict
from outdial.rehearsal.lines import LineSetup
from outdial.store.call import events, settlement
from outdial.store.campaign import campaigns
from outdial.store.claims import reservation
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.reschedule import FirstDue
from outdial.store.db.database import Database
from outdial.store.db.tables import call, line, recipient
from outdial.store.lines.lines import LineLimits, ensure_lines
from outdial.store.records import read_zones
from outdial.store.roster import roster
from outdial.store.roster.rows import insert_recipients

T = TypeVar("T")
_VERDICTS = {
    FenceVerdict.GO: Verdict.GO,
    FenceVerdict.WAIT_FOR_RATE: Verdict.WAIT_FOR_RATE,
    FenceVerdict.WITHDRAWN: Verdict.WITHDRAWN,
}
_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True)
class _Numbered:
    hex: str


class _Numbers:
    """In place of the module `uuid`: calls get their ids in the order in which they are reserved,
    as in a rehearsal; by chance, another one would go first at the fence."""

    def __init__(self) -> None:
        self._next = itertools.count(1)

    def uuid4(self) -> _Numbered:
        return _Numbered(f"{next(self._next):032d}")


@contextmanager
def numbered_calls() -> Iterator[None]:
    with patch.object(reservation, "uuid", _Numbers()):
        yield


class StoreEngine:
    """One campaign in a database of its own."""

    def __init__(
        self,
        database: Database,
        definition: CampaignDefinition,
        drafts: Sequence[LocatedDraft],
        lines: Sequence[LineSetup],
        now: datetime,
    ) -> None:
        self._database = database
        self._claims = itertools.count(1)
        self._serial = itertools.count(1)
        self._write(lambda s: ensure_lines(s, DEFAULT_TENANT, [_limits(one) for one in lines]))
        self.record = self._launch(definition, drafts, now)
        rows = self._write(
            lambda s: (
                s.connection()
                .execute(
                    select(recipient.c.id, recipient.c.position, recipient.c.zones).where(
                        recipient.c.campaign_id == self.record.id
                    )
                )
                .all()
            )
        )
        self._positions = {row.id: row.position for row in rows}
        self._zones = {
            row.position: read_zones(row.zones).candidates[0] for row in rows if row.zones
        }

    def _launch(
        self, definition: CampaignDefinition, drafts: Sequence[LocatedDraft], now: datetime
    ) -> CampaignRecord:
        def work(s: Session) -> CampaignRecord:
            launched = campaigns.launch_campaign(
                s, DEFAULT_TENANT, definition, "", now=now, again=False
            ).record
            plan = launched.plan
            due = FirstDue(plan, now)
            insert_recipients(s, launched.id, launched.launch, plan.line, drafts, due)
            roster.mark_enrolled(s, launched.id, launched.launch)
            return launched

        return self._write(work)

    def ids(self) -> dict[int, int]:
        """Of recipients, by position."""
        return {position: key for key, position in self._positions.items()}

    def claim(self, now: datetime) -> Claimed:
        key = f"claim-{next(self._claims)}"
        claim = self._write(
            lambda s: reservation.claim_calls(s, self.record.id, key, now=now).claim
        )
        calls = [self._reserved(one.call_id) for one in claim.calls]
        return Claimed(
            calls, claim.in_flight, claim.open_recipients, claim.wake_at, claim.budget_spent
        )

    def place(self, reserved: ReservedCall, now: datetime) -> Passage:
        call_id = _call_id(reserved)

        def work(s: Session) -> Passage:
            passed, _ = raise_fence(s, call_id, now=now, placement_timeout=_TIMEOUT)
            tries = False
            if passed.verdict is FenceVerdict.GO:
                events.record_placed(s, call_id, f"p-{call_id}", now=now)
                tries = self._tries_line(s, reserved)
            return Passage(_VERDICTS[passed.verdict], passed.retry_at, passed.reason, tries)

        return self._write(work)

    def ring(self, reserved: ReservedCall, now: datetime) -> None:
        self._report(reserved, now, status=CallStatus.RINGING)

    def end(self, reserved: ReservedCall, report: CallReport, now: datetime) -> str:
        if report.status is CallStatus.COMPLETED:
            self._report(
                reserved,
                now,
                kind=EventKind.ANALYSIS,
                answered_by=report.answered_by,
                disposition=report.disposition,
                redial_at=report.redial_at,
            )
        completed = report.status is CallStatus.COMPLETED
        end = CallEnd(
            status=report.status,
            at=report.at,
            answered=True if completed else None,
            answered_by=report.answered_by,
            failure=report.failure,
            duration_seconds=report.talk_seconds if completed else None,
            may_have_rung=report.may_have_rung,
        )
        call_id = _call_id(reserved)
        settled = self._write(lambda s: settlement.end_call(s, call_id, end, now=now))
        assert settled.settled, settled
        assert settled.outcome is not None, settled
        return settled.outcome

    def finals(self) -> dict[int, tuple[Any, ...]]:
        """How recipients ended, by position."""
        columns = ("position", "phone", "state", "outcome", "attempts", "calls")
        mine = select(*(recipient.c[name] for name in columns)).where(
            recipient.c.campaign_id == self.record.id
        )
        rows = self._write(lambda s: s.connection().execute(mine).all())
        return {row[0]: tuple(row[1:]) for row in rows}

    def _report(self, reserved: ReservedCall, now: datetime, **facts: Any) -> None:
        call_id, line_name = _call_id(reserved), reserved.line
        event = CallEvent(
            event_id=f"e-{self.record.id}-{next(self._serial)}",
            call_id=call_id,
            provider_call_id=f"p-{call_id}",
            at=now,
            **facts,
        )
        self._write(lambda s: events.store_events(s, line_name, [event], now=now))

    def _tries_line(self, s: Session, reserved: ReservedCall) -> bool:
        trial = select(line.c.trial_call_id).where(line.c.name == reserved.line)
        return bool(s.connection().execute(trial).scalar() == _call_id(reserved))

    def _reserved(self, call_id: str) -> ReservedCall:
        statement = select(call).where(call.c.id == call_id)
        row = self._write(lambda s: s.connection().execute(statement).mappings().one())
        position = self._positions[row["recipient_id"]]
        return ReservedCall(
            id=int(call_id),
            position=position,
            attempt=row["attempt"],
            line=row["line"],
            phone=row["phone"],
            zone=self._zones[position],
            claimed_at=row["created_at"],
        )

    def _write(self, work: Callable[[Session], T]) -> T:
        return self._database.write_sync(work)


def _call_id(reserved: ReservedCall) -> str:
    return f"{reserved.id:032d}"


def _limits(setup: LineSetup) -> LineLimits:
    return LineLimits(
        name=setup.name,
        provider="simulated" if setup.simulated else "vapi",
        max_concurrent=setup.max_concurrent,
        per_second=setup.per_second,
        breaker=setup.breaker,
        price=setup.price,
    )
