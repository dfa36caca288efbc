"""A database, a Temporal server and lines: what services need, all of it real."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.money.amount import parse_money
from outdial.domain.rules.location import locate
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.providers.simulated.signature import key_of, sign
from outdial.resources.resources import Resources
from outdial.services.operations.lines import announce_lines
from outdial.services.webhooks.webhooks import Received, WebhookReceiver
from outdial.store.campaign import campaigns
from outdial.store.claims import fence, reservation
from outdial.store.db.database import Database
from outdial.store.roster import roster
from tests.drafts import read_roster
from tests.staged import stage_drafts

SECRET = "whsec_c2lnbmVkIGJ5IHRoZSB0ZXN0cw=="
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
NUMBERS = ("+12025550123", "+12025550124", "+12025550125")


class MovableClock:
    """Now, where the test put it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def definition(
    name: str = "reminder", *, numbers: tuple[str, ...] = NUMBERS, more: str = ""
) -> LoadedDefinition:
    recipients = "\n".join(f'  - {{phone: "{number}", first_name: Ada}}' for number in numbers)
    return read_definition_text(
        f"name: {name}\n"
        "purpose: informational\n"
        "agent: reminder\n"
        'schedule: {hours: "00:00-24:00", time_zone: UTC}\n'
        f"recipients:\n{recipients}\n{more}",
        base=Path(),
    )


def new_name() -> str:
    """Tests share one Temporal server, so each campaign has a name of its own."""
    return f"reminder-{uuid.uuid4().hex[:12]}"


OTHER_TENANT = "other"


def simulated_lines() -> Lines:
    """One line for the tenant of most tests, and one for another."""
    config = LineConfig(name="simulated", credentials={"webhook_secret": SECRET})
    others = config.model_copy(update={"name": "others"})
    priced = LinePolicy(cost_per_minute=parse_money("0.09 USD"))
    return Lines(
        [
            Line("simulated", SimulatedProvider(config), priced),
            Line("others", SimulatedProvider(others), LinePolicy(), tenant=OTHER_TENANT),
        ]
    )


@dataclass(frozen=True)
class World:
    ctx: Resources
    clock: MovableClock

    async def place_call(self) -> ClaimedCall:
        """Launch, claim and send off one call, as workflows would."""
        [call] = await self.place_calls(1)
        return call

    async def place_calls(self, count: int) -> list[ClaimedCall]:
        """Several calls of one campaign."""
        calls = await self.claim_calls(count)
        for call in calls:
            await self.ctx.database.write(
                lambda s, call=call: fence.raise_fence(  # type: ignore[misc]
                    s, call.call_id, now=self.clock.now, placement_timeout=timedelta(seconds=20)
                )
            )
        return calls

    async def receive_webhook(
        self, line: str, headers: Mapping[str, str], body: bytes, url: str
    ) -> Received:
        """Receive one webhook, as an API process would."""
        async with WebhookReceiver(self.ctx) as receiver:
            return await receiver.receive(line, headers, body, url)

    async def claim_calls(self, count: int, more: str = "") -> list[ClaimedCall]:
        """Several calls of one campaign, none of which was sent off; `more` is a part of its
        definition."""
        loaded = definition(new_name(), numbers=NUMBERS[:count], more=more)
        on_line = loaded.definition.on_line("simulated")
        await announce_lines(self.ctx)
        now = self.clock.now
        database = self.ctx.database
        launched = await database.write(
            lambda s: campaigns.launch_campaign(
                s, "default", on_line, loaded.source_text, now=now, again=False
            )
        )
        campaign = launched.record.id
        await database.write(lambda s: stage_drafts(s, campaign, 1, read_roster(loaded)))
        await database.write(lambda s: enroll_staged(s, campaign))
        claim = await database.write(
            lambda s: reservation.claim_calls(s, campaign, "run/1", now=now).claim
        )
        return list(claim.calls)


def enroll_staged(s: Session, campaign: int) -> None:
    chunk = roster.read_chunk(s, campaign, 1, 0)
    assert chunk is not None
    sequence, drafts = chunk
    roster.enroll_chunk(s, campaign, 1, sequence, [each for each, _ in locate(drafts, "UTC")])
    roster.mark_enrolled(s, campaign, 1)


def build_world(database: Database, temporal: Client) -> World:
    clock = MovableClock()
    return World(Resources(database, temporal, simulated_lines(), clock), clock)


async def no_temporal() -> Client:
    """A client of a server that does not exist."""
    return await Client.connect("127.0.0.1:1", lazy=True, data_converter=pydantic_data_converter)


def webhook(
    call_id: str,
    kind: str,
    *,
    at: datetime = NOW,
    event_id: str | None = None,
    secret: str = SECRET,
    signed_at: datetime | None = None,
    **facts: Any,
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook of the simulated network."""
    status = kind if kind != "analyzed" else "completed"
    event_id = event_id or f"evt_{call_id[:8]}_{kind}"
    body = json.dumps(
        {
            "id": event_id,
            "type": f"call.{kind}",
            "timestamp": at.isoformat(),
            "data": {
                "call_id": f"sim_{call_id[:8]}",
                "metadata": {"call_id": call_id},
                "status": status,
                **facts,
            },
        }
    ).encode()
    stamp = int((signed_at or at).timestamp())
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(key_of(secret), event_id, stamp, body),
        "content-type": "application/json",
    }
    return headers, body
