"""The rows of a launch's report, a page of recipients with their calls at a time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlmodel import Session

from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.report.facts import DialEvidence, ReportedCall, ReportedPerson
from outdial.domain.report.report import LaunchHeader
from outdial.store.campaign.counts import read_counts
from outdial.store.compliance.receipts import last_receipt
from outdial.store.db.bulk import among
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import (
    appointment,
    budget_hold,
    call,
    callback_entry,
    campaign_revision,
    receipt,
    recipient,
)
from outdial.store.lines.kinds import simulated_lines
from outdial.store.records import read_zones
from outdial.store.roster.positions import read_positions

_PEOPLE = select(
    recipient.c.id,
    recipient.c.position,
    recipient.c.zones,
    recipient.c.state,
    recipient.c.outcome,
    recipient.c.reason,
)
_CALLS = Lookup(
    select(
        call.c.id,
        call.c.recipient_id,
        call.c.number,
        call.c.attempt,
        call.c.line,
        call.c.agent,
        call.c.caller_id,
        call.c.status,
        call.c.outcome,
        call.c.answered_by,
        call.c.is_attempt,
        call.c.fenced_at,
        call.c.created_at,
        call.c.placed_at,
        call.c.answered_at,
        call.c.ended_at,
        call.c.duration_seconds,
        call.c.cost,
        call.c.evidence,
    ),
    call.c.recipient_id,
    "ids",
)
_RECEIPTS = Lookup(select(receipt.c.call_id, receipt.c.body), receipt.c.call_id, "ids")
_CALLBACKS = Lookup(
    select(callback_entry.c.call_id, callback_entry.c.kind, callback_entry.c.state),
    callback_entry.c.call_id,
    "ids",
)
_BOOKINGS = Lookup(
    select(appointment.c.call_id, appointment.c.status), appointment.c.call_id, "ids"
)
_HOLDS = select(budget_hold.c.call_id, budget_hold.c.cost).where(
    among(budget_hold.c.call_id, "ids")
)
_REVISIONS = (
    select(campaign_revision.c.created_at, campaign_revision.c.revision)
    .where(
        campaign_revision.c.campaign_id == bindparam("of_campaign"),
        campaign_revision.c.launch == bindparam("of_launch"),
    )
    .order_by(campaign_revision.c.revision)
)


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some recipients of a launch, in the order of their positions."""

    people: Sequence[ReportedPerson]
    last: int | None
    """The position of the last of them; None: there are no more."""


def read_header(s: Session, record: CampaignRecord, launch: int) -> LaunchHeader:
    """What a report says of one of a campaign's launches, before its rows are read."""
    of_launch = record.model_copy(update={"launch": launch})
    [counts] = read_counts(s, [of_launch]).values()
    rows = s.connection().execute(_REVISIONS, {"of_campaign": record.id, "of_launch": launch})
    revisions = tuple((created_at, revision) for created_at, revision in rows)
    present = launch == record.launch
    return LaunchHeader(
        campaign=record.name,
        purpose=record.plan.purpose.value,
        state=record.state,
        launch=launch,
        launches=record.launch,
        lines=sorted(share.name for share in record.plan.shares) if present else [],
        simulated=sorted(simulated_lines(s, record.tenant)),
        launched_at=record.launched_at if present else _begun(revisions, record.created_at),
        finished_at=record.finished_at if present else None,
        revisions=revisions,
        head=last_receipt(s, record.id),
        recipients=counts.recipients,
        calls=sum(counts.calls.values()),
    )


def _begun(revisions: Sequence[tuple[datetime, int]], otherwise: datetime) -> datetime:
    return revisions[0][0] if revisions else otherwise


def read_people(
    s: Session, campaign_id: int, launch: int, *, after: int | None, limit: int
) -> PeoplePage:
    """The recipients behind a position with all their calls, at most `limit`."""
    rows = read_positions(s, _PEOPLE, campaign_id, launch, after=after, limit=limit)
    calls = _calls_of(s, [row.id for row in rows])
    people = [
        ReportedPerson(
            zone=_first_zone(row.zones),
            state=RecipientState(row.state),
            outcome=row.outcome,
            reason=row.reason,
            calls=calls.get(row.id, ()),
        )
        for row in rows
    ]
    return PeoplePage(people, rows[-1].position if len(rows) == limit else None)


def _first_zone(zones: str | None) -> str | None:
    candidates = () if zones is None else read_zones(zones).candidates
    return candidates[0] if candidates else None


def _calls_of(s: Session, people: Sequence[int]) -> dict[int, list[ReportedCall]]:
    rows = sorted(
        _CALLS.execute(s, {"ids": people}), key=lambda row: (row.recipient_id, row.number)
    )
    ids = [row.id for row in rows]
    evidence = _evidence_of(s, ids)
    callbacks = _by_call(_CALLBACKS.execute(s, {"ids": ids}))
    holds = s.connection().execute(_HOLDS, {"ids": ids})
    computed = {hold.call_id: hold.cost for hold in holds}
    bookings = _by_call(_BOOKINGS.execute(s, {"ids": ids}))
    calls: dict[int, list[ReportedCall]] = defaultdict(list)
    for row in rows:
        reported = ReportedCall(
            attempt=row.attempt,
            line=row.line,
            agent=row.agent,
            caller_id=row.caller_id,
            status=CallStatus(row.status),
            outcome=row.outcome,
            answered_by=None if row.answered_by is None else AnsweredBy(row.answered_by),
            is_attempt=row.is_attempt,
            dialed=row.fenced_at is not None,
            created_at=row.created_at,
            placed_at=row.placed_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
            duration_seconds=row.duration_seconds,
            cost=row.cost,
            computed_cost=computed.get(row.id),
            revision=(row.evidence or {}).get("revision"),
            evidence=evidence.get(row.id),
            callbacks=[(kind, state) for kind, state in callbacks.get(row.id, ())],
            bookings=[status for (status,) in bookings.get(row.id, ())],
        )
        calls[row.recipient_id].append(reported)
    return calls


def _by_call(rows: Iterable[Row[Any]]) -> dict[str, list[Any]]:
    by_call: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_call[row[0]].append(tuple(row)[1:])
    return by_call


def _evidence_of(s: Session, calls: Sequence[str]) -> dict[str, DialEvidence]:
    rows = _RECEIPTS.execute(s, {"ids": calls})
    return {call_id: _evidence(json.loads(body)) for call_id, body in rows}


def _evidence(body: dict[str, Any]) -> DialEvidence:
    return DialEvidence(
        rules=body.get("rules", ()),
        rules_version=body.get("rules_version", ""),
        zone_source=body.get("zone_source", ""),
        accepted_risks=[risk["rule"] for risk in body.get("accepted_risks", ())],
    )
