"""Fills a database with the history of one tenant: as many rows as asked for in every table that
grows, written by the database itself from a series of numbers.

Column values are SQL expressions of `n`, which counts from 1. Columns that are not named and may
not be NULL get a value of their type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from outdial.domain.record import DEFAULT_TENANT, DIRECT_CAMPAIGN, CampaignRecord
from outdial.store.campaign.campaigns import ensure_direct_campaign
from outdial.store.db.dialect import on_postgresql
from outdial.store.db.tables import (
    agent,
    appointment,
    appointment_change,
    appointment_slot,
    call,
    call_request,
    callback_entry,
    callback_run,
    campaign,
    campaign_revision,
    claim_state,
    contact,
    delivery,
    delivery_attempt,
    endpoint,
    event,
    former_secret,
    lease,
    line_failure,
    phone_number,
    progress_count,
    receipt,
    recipient,
    roster,
    ruling,
    suppression,
    suppression_change,
    tool_call,
)
from tests import builders
from tests.builders import LINE, NOW, House
from tests.history.access import fill_access
from tests.history.logs import fill_log
from tests.history.money import fill_budgets
from tests.history.series import Fill, move_sequences, without_indexes

FIRST = 1_000_000
"""Ids of the history begin behind this number; those of new rows, behind the history's."""
CALENDAR = "desk"
CAMPAIGNS = 2000


@dataclass(frozen=True)
class History:
    """What a filled database holds, for those who ask for rows that exist."""

    rows: int
    campaign: CampaignRecord
    """Running, with `rows` recipients, most of whom are done."""
    direct: CampaignRecord

    @property
    def recipient(self) -> int:
        return FIRST + 31

    @property
    def direct_recipient(self) -> int:
        return FIRST + self.rows + 31


def phone_of(n: int) -> str:
    return builders.phone(100 + n)


def fill(house: House, rows: int) -> History:
    """Fill the house's database."""
    big = house.launch(0, "history", pacing={"max_concurrent": 1000})
    direct = house.write(lambda s: ensure_direct_campaign(s, DEFAULT_TENANT, now=NOW))
    history = History(rows, big, direct)

    def work(s: Session) -> None:
        fill = Fill(s, rows)
        with without_indexes(s):
            _rows(fill, history)
        if on_postgresql(s):
            move_sequences(s)

    house.write(work)
    return history


def _rows(fill: Fill, history: History) -> None:
    _people(fill, history)
    _calls(fill, history)
    _after_calls(fill, history)
    fill_budgets(fill, history.campaign.id, FIRST)
    _webhooks(fill)
    _directory(fill)
    _appointments(fill)
    _campaigns(fill, history)
    fill_access(fill)
    fill_log(fill)


def _phone(n: str = "n") -> str:
    return f"'+1212' || (5550100 + {n})"


def _people(fill: Fill, history: History) -> None:
    zones = builders.zones(builders.ZONE).model_dump_json()
    person = {
        "launch": "1",
        "zones": f"'{zones}'",
        "line": f"'{LINE}'",
        "calls": "1",
        "attempts": "1",
        "turn": "1",
        "position": "100 + n",
        "phone": _phone(),
    }
    waits = "n % 50 = 0"
    of_campaign = {
        "id": f"{FIRST} + n",
        "campaign_id": str(history.campaign.id),
        "state": f"CASE WHEN {waits} THEN 'waiting' ELSE 'done' END",
        "outcome": f"CASE WHEN {waits} THEN NULL ELSE 'completed' END",
        "due_at": fill.at(str(-timedelta(days=30).total_seconds())),
    }
    fill.insert(recipient, person | of_campaign)
    of_requests = {
        "id": f"{FIRST + fill.rows} + n",
        "campaign_id": str(history.direct.id),
        "state": "'done'",
        "outcome": "'completed'",
        "due_at": fill.at("n * 60"),
        "request_key": "'request-' || n",
        "position": "-n",
        "plan": f"(SELECT plan FROM campaign WHERE id = {history.direct.id})",
    }
    fill.insert(recipient, person | of_requests)
    fill.insert(
        call_request,
        {
            "id": f"{FIRST} + n",
            "public_id": "'request-' || n",
            "key": "'request-' || n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "campaign_id": str(history.direct.id),
            "phone": _phone(),
            "agent": "'agent-' || (n % 3)",
            "line": f"'{LINE}'",
            "status": "'completed'",
            "origin": "'v1'",
            "contact_id": "'contact-' || n",
            "created_at": fill.at("n * 60"),
        },
    )


def _calls(fill: Fill, history: History) -> None:
    made = {
        "tenant": f"'{DEFAULT_TENANT}'",
        "launch": "1",
        "number": "1",
        "attempt": "1",
        "line": f"'{LINE}'",
        "phone": _phone(),
        "ring_seconds": "30",
        "max_seconds": "600",
        "status": "CASE WHEN n % 10 = 0 THEN 'no_answer' ELSE 'completed' END",
        "outcome": "CASE WHEN n % 10 = 0 THEN 'no_answer' ELSE 'completed' END",
        "fence": "'placed'",
        "is_attempt": "true",
        "created_at": fill.at("n * 60"),
        "fenced_at": fill.at("n * 60"),
        "left_at": fill.at("n * 60"),
        "placed_at": fill.at("n * 60"),
        "ended_at": fill.at("n * 60 - 30"),
        "settle_by": fill.at("n * 60 - 30"),
        "settled_at": fill.at("n * 60 - 30"),
    }
    fill.insert(
        call,
        made
        | {
            "id": "'call-' || n",
            "workflow_id": "'call-' || n",
            "provider_call_id": "'provider-' || n",
            "agent": "'agent-1'",
            "claim_key": "'old-' || (n / 5)",
            "recipient_id": f"{FIRST} + n",
            "campaign_id": str(history.campaign.id),
            "campaign": "'history'",
        },
    )
    fill.insert(
        call,
        made
        | {
            "id": "'direct-' || n",
            "workflow_id": "'direct-' || n",
            "provider_call_id": "'provider-direct-' || n",
            "claim_key": "'old-' || n",
            "recipient_id": f"{FIRST + fill.rows} + n",
            "campaign_id": str(history.direct.id),
            "campaign": f"'{DIRECT_CAMPAIGN}'",
        },
    )
    fill.insert(
        event,
        {
            "id": f"{FIRST} + n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "line": f"'{LINE}'",
            "event_id": "'event-' || n",
            "call_id": "CASE WHEN n % 20 = 0 THEN NULL ELSE 'call-' || n END",
            "provider_call_id": "'provider-' || n",
            "payload": '\'{"event_id":"event","at":"2025-01-01T00:00:00Z"}\'',
            "received_at": fill.at("n * 60"),
            "signalled_at": fill.at("n * 60"),
        },
    )
    fill.insert(
        lease,
        {
            "call_id": "'call-' || n",
            "campaign_id": str(history.campaign.id),
            "tenant": f"'{DEFAULT_TENANT}'",
            "line": f"'{LINE}'",
            "phone": _phone(),
            "acquired_at": fill.at("n"),
            "expires_at": fill.at("n - 900"),
        },
        rows=20,
    )


def _after_calls(fill: Fill, history: History) -> None:
    of_campaign = str(history.campaign.id)
    fill.insert(
        receipt,
        {"campaign_id": of_campaign, "sequence": "n", "call_id": "'call-' || n", "body": "'{}'"},
    )
    fill.insert(
        callback_run,
        {
            "call_id": "'call-' || n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "campaign_id": of_campaign,
            "state": "'done'",
            "run": "1",
            "created_at": fill.at("n * 60"),
            "started_at": fill.at("n * 60"),
            "ended_at": fill.at("n * 60"),
        },
    )
    fill.insert(
        callback_entry,
        {
            "call_id": "'call-' || n",
            "position": "0",
            "campaign_id": of_campaign,
            "created_at": fill.at("n * 60"),
            "kind": "'webhook'",
            "callback": "''",
            "state": "CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'done' END",
            "generation": "1",
        },
    )
    fill.insert(
        tool_call,
        {
            "tenant": f"'{DEFAULT_TENANT}'",
            "line": f"'{LINE}'",
            "tool_call_id": "'tool-' || n",
            "call_id": "'call-' || n",
            "tool": "'book'",
        },
    )
    fill.insert(
        suppression,
        {"tenant": f"'{DEFAULT_TENANT}'", "phone": _phone("1000000 + n"), "reason": "'asked'"},
    )
    fill.insert(
        suppression_change,
        {
            "id": f"{FIRST} + n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "phone": _phone("1000000 + n"),
            "change": "'listed'",
            "reason": "'asked'",
        },
    )
    fill.insert(
        line_failure,
        {
            "id": f"{FIRST} + n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "line": f"'{LINE}'",
            "call_id": "'call-' || n",
            "at": fill.at("60000 + n"),
            "failure": "'unavailable'",
        },
        rows=min(fill.rows, 2000),
    )


def _webhooks(fill: Fill) -> None:
    one = {
        "tenant": f"'{DEFAULT_TENANT}'",
        "url": "'https://example.com/' || n",
        "scheme": "'standard'",
        "events": "'[\"*\"]'",
        "version": "1",
    }
    own = {"id": "'endpoint-' || n", "kind": "'tenant'", "state": "'enabled'"}
    fill.insert(endpoint, one | own, rows=3)
    named = {"id": "'named-' || n", "kind": "'call'"}
    due = f"CASE WHEN n <= 1000 THEN {fill.at('n')} END"
    fill.insert(endpoint, one | named | {"state": "'enabled'", "due_at": due})
    removed = {"id": "'removed-' || n", "kind": "'campaign'", "campaign_id": "-n"}
    fill.insert(endpoint, one | removed | {"state": "'removed'"}, rows=CAMPAIGNS)
    fill.insert(
        former_secret,
        {"endpoint_id": "'named-' || n", "secret": "'s' || n", "ends_at": fill.at("-n * 60")},
        rows=min(fill.rows, 2000),
    )
    fill.insert(
        delivery,
        {
            "id": f"{FIRST} + n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "endpoint_id": "'endpoint-' || (1 + n % 3)",
            "event_id": "'event-' || n",
            "type": "'call.completed'",
            "subject": "'call/call-' || n",
            "payload": "'{}'",
            "state": "CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'delivered' END",
            "attempts": "1",
            "next_at": fill.at("n * 10"),
            "created_at": fill.at("n * 10"),
            "delivered_at": "CASE WHEN n % 1000 = 0 THEN NULL ELSE " + fill.at("n * 10") + " END",
        },
    )
    fill.insert(
        delivery_attempt,
        {
            "id": f"{FIRST} + n",
            "delivery_id": f"{FIRST} + n",
            "url": "'https://example.com'",
            "status": "200",
        },
    )


def _directory(fill: Fill) -> None:
    mine = {"tenant": f"'{DEFAULT_TENANT}'", "version": "1"}
    fill.insert(
        contact,
        mine | {"id": "'contact-' || n", "phone": _phone(), "first_name": "'Ada ' || n"},
    )
    named = {"id": "'agent-' || n", "name": "'Agent ' || n", "is_active": "true"}
    fill.insert(agent, mine | named | {"remote_id": "'remote-' || n"}, rows=50)
    fill.insert(
        phone_number,
        mine | {"id": "'number-' || n", "phone": _phone(), "is_active": "true"},
        rows=50,
    )


def _appointments(fill: Fill) -> None:
    """One every ten minutes, a year of them still to come."""
    year = 365 * 24 * 6
    starts = f"(n - {year}) * 600"
    mine = {"tenant": f"'{DEFAULT_TENANT}'", "calendar": f"'{CALENDAR}'"}
    fill.insert(
        appointment,
        mine
        | {
            "id": "'appointment-' || n",
            "uid": "'uid-' || n",
            "phone": _phone(),
            "call_id": "'call-' || n",
            "recipient_id": f"{FIRST} + n",
            "starts_at": fill.at(starts),
            "ends_at": fill.at(f"{starts} - 600"),
            "status": "CASE WHEN n % 10 = 0 THEN 'canceled' ELSE 'booked' END",
            "title": "'Visit'",
        },
    )
    tick = (int(NOW.timestamp()) // 300) + 2 * year
    fill.insert(
        appointment_slot,
        mine | {"tick": f"{tick} - 2 * n", "seat": "0", "appointment_id": "'appointment-' || n"},
    )
    fill.insert(
        appointment_change,
        {
            "id": f"{FIRST} + n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "appointment_id": "'appointment-' || n",
            "key": "'booked-' || n",
            "change": "'booked'",
            "call_id": "'call-' || n",
            "starts_at": fill.at(starts),
            "status": "'booked'",
        },
    )


def _campaigns(fill: Fill, history: History) -> None:
    """Campaigns that are over, with smaller ids than those that run."""
    few = min(fill.rows, CAMPAIGNS)
    ids = {"campaign_id": "-n"}
    fill.insert(
        campaign,
        {
            "id": "-n",
            "tenant": f"'{DEFAULT_TENANT}'",
            "name": "'over-' || n",
            "state": "'finished'",
            "revision": "1",
            "launch": "1",
            "plan": f"(SELECT plan FROM campaign WHERE id = {history.campaign.id})",
        },
        rows=few,
    )
    fill.insert(claim_state, ids, rows=few)
    fill.insert(campaign_revision, ids | {"revision": "1", "launch": "1"}, rows=few)
    fill.insert(roster, ids | {"launch": "1", "enrolled": "true", "next_sequence": "1"}, rows=few)
    counted = {"launch": "-n", "value": "'done'", "detail": "'completed'", "total": "1"}
    of_launches = {"campaign_id": str(history.campaign.id), "subject": "'recipient'"}
    fill.insert(progress_count, of_launches | counted)
    rule = {"id": f"{FIRST} + n", "tenant": f"'{DEFAULT_TENANT}'", "kind": "'block'"}
    fill.insert(ruling, rule | {"ended_at": fill.at("n * 60")}, rows=few)
