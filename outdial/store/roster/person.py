"""One person over all campaigns, by one number: the calls that were made to it, and where else it
stands on a roster that is not done with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlmodel import Session

from outdial.domain.appointment.appointment import Appointment
from outdial.domain.call.callback_run import CallbackRun
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.event import CallEvent
from outdial.domain.decision.receipt import Receipt
from outdial.domain.numbers.phone import siblings
from outdial.domain.record import CallRecord, CampaignRecord, RecipientRecord, RecipientState
from outdial.store.appointments.lookup import changed_by_calls
from outdial.store.call.events import events_of_calls
from outdial.store.callbacks.runs import callback_runs_of
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.compliance.receipts import receipts_of
from outdial.store.db.bulk import among
from outdial.store.db.ranges import page_of, read_in_order
from outdial.store.db.tables import call, call_request, campaign, recipient
from outdial.store.records import call_record, recipient_record
from outdial.store.roster.explanation import RecipientExplanation, explain_these

_OPEN = [state.value for state in CampaignState if not state.over]
MOST_PLACES = 20
"""Places on rosters that are decided about: each decision reads what it depends on."""


@dataclass(frozen=True, slots=True)
class CallHistory:
    """A call, with what was reported of it and what followed."""

    call: CallRecord
    zones: tuple[str, ...]
    """Where the person may be."""
    events: tuple[CallEvent, ...]
    """Oldest first."""
    receipt: Receipt | None
    callbacks: CallbackRun | None
    appointments: tuple[Appointment, ...]
    """Those that it made or changed, as they are now."""


@dataclass(frozen=True, slots=True)
class RosterPlace:
    """A place of the person on the roster of a campaign that is open."""

    campaign: CampaignRecord
    recipient: RecipientRecord
    explanation: RecipientExplanation | None
    """None for one who was refused, about whom nothing is decided."""


def calls_to_number(
    s: Session,
    tenant: str,
    number: str,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> list[CallRecord]:
    """Calls to a number (E.164), newest first; `after` is the last one of the page before."""
    records: list[CallRecord] = []
    for text in siblings(number):
        statement = page_of(
            select(call),
            [(call.c.tenant, tenant), (call.c.phone, text)],
            (call.c.created_at, call.c.id),
            limit=limit,
            after=after,
            newest_first=True,
        )
        records += [call_record(row) for row in read_in_order(s, statement).mappings()]
    return sorted(records, key=lambda each: (each.created_at, each.id), reverse=True)[:limit]


def read_histories(s: Session, calls: Iterable[CallRecord]) -> list[CallHistory]:
    """What there is to each of some calls."""
    calls = list(calls)
    if not calls:
        return []
    query = select(recipient).where(among(recipient.c.id, "ids"))
    recipients = {"ids": sorted({each.recipient_id for each in calls})}
    people = s.connection().execute(query, recipients).mappings()
    zones = {row["id"]: recipient_record(row).zones for row in people}
    ids = [each.id for each in calls]
    events, receipts = events_of_calls(s, ids), receipts_of(s, ids)
    callback_runs, appointments = callback_runs_of(s, ids), changed_by_calls(s, ids)
    return [
        CallHistory(
            call=each,
            zones=zones.get(each.recipient_id, ()),
            events=tuple(events[each.id]),
            receipt=receipts.get(each.id),
            callbacks=callback_runs.get(each.id),
            appointments=tuple(appointments.get(each.id, ())),
        )
        for each in calls
    ]


def places_of_number(s: Session, tenant: str, number: str, now: datetime) -> list[RosterPlace]:
    """The newest places of a number on the rosters of open campaigns, each with what a claim would
    decide now; requests of single calls are among them until they are done.

    Somebody whose other number this is, and who was never called on it, is not among them.
    """
    query = select(recipient).where(among(recipient.c.id, "ids")).order_by(recipient.c.id.desc())
    ids = {"ids": sorted(_ids_of_number(s, tenant, number))}
    campaigns: dict[int, CampaignRecord] = {}
    people: dict[int, list[RecipientRecord]] = defaultdict(list)
    count = 0
    for row in s.connection().execute(query, ids).mappings().all():
        each = recipient_record(row)
        record = campaigns.get(each.campaign_id) or require_campaign(s, each.campaign_id)
        campaigns[record.id] = record
        over = record.state.over or record.launch != each.launch
        if over or (record.direct and each.state is RecipientState.DONE):
            continue
        people[record.id].append(each)
        count += 1
        if count == MOST_PLACES:
            break
    return [
        place
        for campaign_id, listed in people.items()
        for place in _places(s, campaigns[campaign_id], listed, now)
    ]


def _places(
    s: Session, record: CampaignRecord, people: list[RecipientRecord], now: datetime
) -> list[RosterPlace]:
    explained = explain_these(s, record, [each.position for each in people], now)
    by_id = {each.record.id: each for each in explained}
    return [RosterPlace(record, each, by_id.get(each.id)) for each in people]


def _ids_of_number(s: Session, tenant: str, number: str) -> set[int]:
    """Recipients with the number, by what an index leads to: open campaigns, the newest calls, and
    the newest requests."""
    numbers = siblings(number)
    on_rosters = (
        select(recipient.c.id)
        .join_from(
            campaign,
            recipient,
            and_(
                recipient.c.campaign_id == campaign.c.id,
                recipient.c.launch == campaign.c.launch,
                recipient.c.phone.in_(numbers),
            ),
        )
        .where(
            campaign.c.tenant == tenant,
            campaign.c.state.in_(_OPEN),
            ~campaign.c.direct,
            campaign.c.launch + 0 > 0,  # alone, SQLite reads recipients by it
        )
    )
    ids = set(s.connection().execute(on_rosters).scalars())
    ids |= {each.recipient_id for each in calls_to_number(s, tenant, number, limit=MOST_PLACES)}
    for text in numbers:
        newest = page_of(
            select(call_request.c.campaign_id, call_request.c.key),
            [(call_request.c.tenant, tenant), (call_request.c.phone, text)],
            (call_request.c.created_at, call_request.c.public_id),
            limit=MOST_PLACES,
            newest_first=True,
        )
        for row in read_in_order(s, newest).all():
            of_request = select(recipient.c.id).where(
                recipient.c.campaign_id == row.campaign_id, recipient.c.request_key == row.key
            )
            ids |= set(s.connection().execute(of_request).scalars())
    return ids
