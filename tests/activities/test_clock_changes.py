"""A campaign that runs across changes of the clock dials nobody outside the window.

Virtual days: the activities are the real ones, with a clock that the test moves. Only the far side
of the telephone line is played.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from activities.campaigns import Campaigns
from outdial.contracts.signatures.call import PlaceInput
from outdial.contracts.signatures.campaign import ClaimInput, EnrollInput
from outdial.domain.call.claim import Claim
from outdial.domain.call.event import CallEnd, CallSnapshot
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.status import CallStatus
from outdial.domain.clocks import load_zone
from outdial.domain.record import CampaignRecord
from outdial.providers.adapters.simulated.webhook import SimulatedWebhooks
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import (
    Capabilities,
    LineConfig,
    Placed,
    Provider,
    WebhookReader,
)
from outdial.resources.resources import Resources
from outdial.services.operations.lines import announce_lines
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from tests.builders import definition, draft
from tests.databases import migrated
from tests.services.world import no_temporal
from tests.staged import stage_drafts

PEOPLE = {
    "+12125551234": "America/New_York",
    "+16025551234": "America/Phoenix",
    "+56221234567": "America/Santiago",
    "+61265631234": "Australia/Lord_Howe",
}
BY_DAY, BY_NIGHT = "09:00-18:00", "22:00-04:00"
OFFSET = {BY_DAY: timedelta(0), BY_NIGHT: timedelta(hours=12)}
OPENS = {BY_DAY: time(9), BY_NIGHT: time(22)}


class Telephones(Provider):
    """Notes when each number rang, by the campaign's clock."""

    name: ClassVar[str] = "telephones"
    reader: ClassVar[type[WebhookReader]] = SimulatedWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=False,
        can_find=False,
        can_end=False,
        reports_ringing=False,
        sends_webhooks=False,
        sends_analysis=False,
        idempotent_create=False,
    )

    def __init__(self) -> None:
        super().__init__(LineConfig(name="simulated"))
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.rang: list[tuple[str, datetime]] = []

    def clock(self) -> datetime:
        return self.now

    async def place(self, request: PlaceRequest) -> Placed:
        self.rang.append((request.to, self.now))
        return Placed(provider_call_id=f"t-{request.call_id}")

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        return None

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        return None

    async def end(self, provider_call_id: str) -> None:
        return None

    async def check(self) -> str:
        return "rings"


class VirtualDays:
    """Carries a campaign out by its activities, from one instant at which it waits to the next."""

    def __init__(self, database: Database, resources: Resources, telephones: Telephones) -> None:
        self._database = database
        self._campaigns, self._calls = Campaigns(resources), Calls(resources)
        self._telephones = telephones
        self._claims = 0

    async def launch(self, hours: str) -> CampaignRecord:
        now = self._telephones.now
        launched_definition = definition(
            schedule={"hours": hours},
            retry={"max_attempts": 100, "no_answer": {"delays": "80m", "max_attempts": 100}},
        )
        launched = await self._database.write(
            lambda s: campaigns.launch_campaign(
                s, "default", launched_definition, "", now=now, again=False
            )
        )
        record = launched.record
        people = [
            draft(at, phone=number, time_zone=zone if zone.startswith("Australia") else None)
            for at, (number, zone) in enumerate(PEOPLE.items())
        ]
        await self._database.write(lambda s: stage_drafts(s, record.id, 1, people))
        await ActivityEnvironment().run(
            self._campaigns.enroll_recipients, EnrollInput(campaign_id=record.id, launch=1)
        )
        return record

    async def run(self, campaign: CampaignRecord, until: datetime) -> None:
        while self._telephones.now < until:
            claim = await self._claim(campaign)
            for call in claim.calls:
                await self._call(call.call_id)
            if not claim.calls:
                assert claim.wake_at is not None
                self._telephones.now = max(
                    claim.wake_at, self._telephones.now + timedelta(seconds=1)
                )

    async def _claim(self, campaign: CampaignRecord) -> Claim:
        self._claims += 1
        claim = ClaimInput(campaign_id=campaign.id, key=f"run/{self._claims}")
        return await ActivityEnvironment().run(self._campaigns.claim_calls, claim)

    async def _call(self, call_id: str) -> None:
        await ActivityEnvironment().run(self._calls.place_call, PlaceInput(call_id=call_id))
        end = CallEnd(status=CallStatus.NO_ANSWER, at=self._telephones.now)
        await ActivityEnvironment().run(self._calls.end_call, call_id, end)


CHANGES = [
    ("2026-03-08", "America/New_York", BY_NIGHT),
    ("2026-04-05", "Australia/Lord_Howe", BY_DAY),
]
MORE_CHANGES = [
    ("2026-03-08", "America/New_York", BY_DAY),
    ("2026-11-01", "America/New_York", BY_NIGHT),
    ("2026-10-04", "Australia/Lord_Howe", BY_NIGHT),
    ("2026-04-05", "America/Santiago", BY_NIGHT),
    ("2026-09-06", "America/Santiago", BY_DAY),
    ("2026-09-06", "America/Santiago", BY_NIGHT),
]
"""Each takes some seconds: all of them are tried in the long runs."""


@pytest.mark.parametrize(
    ("change", "of_zone", "hours"),
    [*CHANGES, *(pytest.param(*each, marks=pytest.mark.faults) for each in MORE_CHANGES)],
)
async def test_across_a_change_of_the_clock(
    tmp_path: Path, change: str, of_zone: str, hours: str
) -> None:
    day = datetime.fromisoformat(change).replace(tzinfo=UTC)
    zone = load_zone(of_zone)
    before, after = (day + timedelta(days=step) for step in (-1, 2))
    assert before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()
    telephones = Telephones()
    telephones.now = day - timedelta(days=1)
    lines = Lines([Line("simulated", telephones, LinePolicy())])
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}", daily_ceiling=0) as database:
        temporal = await no_temporal()
        await announce_lines(Resources(database, temporal, lines, telephones.clock))
        resources = Resources(
            database, temporal, lines, telephones.clock, public_url="http://127.0.0.1:1"
        )
        days = VirtualDays(database, resources, telephones)
        await days.run(await days.launch(hours), until=day + timedelta(days=2, hours=12))
    _check(telephones.rang, hours)


def _check(rang: list[tuple[str, datetime]], hours: str) -> None:
    opens = OPENS[hours]
    for number, zone_name in PEOPLE.items():
        local = [at.astimezone(load_zone(zone_name)) for to, at in rang if to == number]
        assert all(_is_open(hours, at.time()) for at in local), (zone_name, local)
        # The part of a window after midnight belongs to the day before.
        shifts = sorted({(at.replace(tzinfo=None) - OFFSET[hours]).date() for at in local})[1:]
        assert len(shifts) >= 2
        for shift in shifts:
            first = min(at.time() for at in local if at.date() == shift and at.time() >= opens)
            # Each day from the first minute on, the day of the change too.
            assert first < opens.replace(minute=1), (zone_name, shift, first)


def _is_open(hours: str, at: time) -> bool:
    if hours == BY_DAY:
        return time(9) <= at < time(18)
    return at >= time(22) or at < time(4)
