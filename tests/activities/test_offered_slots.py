"""A claim that leaves a slot for another campaign wakes that one's workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.campaigns import Campaigns
from outdial.contracts.names import NUDGE_SIGNAL, campaign_workflow_id
from outdial.contracts.signatures.campaign import ClaimInput
from outdial.domain.call.claim import Claim
from outdial.domain.record import CampaignRecord
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from tests.builders import House
from tests.databases import InThread, migrated, sqlite_database

if TYPE_CHECKING:
    from temporalio.client import Client


class _Workflows:
    """A client of Temporal that keeps which workflows are signalled; or that is out of service."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.down = False
        self._id = ""

    def get_workflow_handle(self, workflow_id: str) -> _Workflows:
        self._id = workflow_id
        return self

    async def signal(self, name: str, *, args: Sequence[object]) -> None:
        assert name == NUDGE_SIGNAL
        if self.down:
            raise RPCError("down", RPCStatusCode.UNAVAILABLE, b"")
        self.woken.append(self._id)


def test_a_campaign_is_woken_for_a_slot_that_is_left_for_it() -> None:
    with sqlite_database() as url, migrated(url) as database:
        database.__class__ = InThread
        house, temporal = House(database), _Workflows()
        house.line(most=1)
        campaigns = Campaigns(
            Resources(database, cast("Client", temporal), Lines([]), lambda: house.now)
        )

        def claim(campaign: CampaignRecord, key: str) -> Claim:
            given = ClaimInput(campaign_id=campaign.id, key=key, linger=False)
            return asyncio.run(ActivityEnvironment().run(campaigns.claim_calls, given))

        first = house.launch(5, "first")
        second = house.launch(5, "second", first=100, pacing={"weight": 2})
        (call,) = claim(first, "a").calls
        assert claim(second, "b").calls == ()
        assert temporal.woken == []
        house.later(seconds=10)
        house.end(call.call_id)
        assert claim(first, "c").calls == ()
        assert temporal.woken == [campaign_workflow_id("default", "second")]
        (call,) = claim(second, "d").calls
        temporal.down = True
        house.later(seconds=1)
        house.end(call.call_id)
        left = claim(second, "e")
        assert left.calls == (), "it is kept for the first campaign, which was not woken"
        assert left.wake_at is not None
        house.now = left.wake_at
        assert len(claim(second, "f").calls) == 1
