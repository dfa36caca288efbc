"""Callbacks whose endpoints drip: they hold a share of the places, and others' go through."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update
from temporalio.testing import ActivityEnvironment

from activities.callback_runs import CALLBACKS_PER_TENANT, CallbackRuns
from outdial.contracts.signatures.callback import CallbackRef, CallbackResult
from outdial.domain.call.callback_run import CallbackState
from outdial.resources.integrations import Integrations
from outdial.store.db.tables import call as call_table
from tests.activities.callbacks import settled_calls
from tests.activities.endpoint import Endpoint
from tests.databases import migrated
from worker import CALLBACK_ACTIVITIES

SHARE, CROWD = 10, 55


class Loopback(Integrations):
    """Every tenant's endpoints are on this machine."""

    def of_tenant(self, tenant: str) -> Integrations:
        return self


async def test_another_tenants_callback_goes_through_while_55_endpoints_drip(
    tmp_path: Path,
) -> None:
    assert CALLBACKS_PER_TENANT * 4 <= CALLBACK_ACTIVITIES
    integrations = Loopback(allow_hosts=frozenset({"127.0.0.1"}))
    async with Endpoint() as dripping, Endpoint() as good:
        dripping.hang = dripping.drip = True
        with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
            after = await settled_calls(database, integrations)
            after.activities = activities = CallbackRuns(after.activities._resources, share=SHARE)
            campaign = {"do": "webhook", "url": dripping.url}
            crowd = [after.settle(after.launch(campaign)) for _ in range(CROWD)]
            other = after.settle(after.launch({"do": "webhook", "url": good.url}))
            moved = update(call_table).where(call_table.c.id == other).values(tenant="other")
            after.house.write(lambda s: s.connection().execute(moved))

            async def run(call_id: str) -> CallbackResult:
                ref = CallbackRef(
                    call_id=call_id, position=0, timeout=timedelta(seconds=30), may_wait=True
                )
                return await ActivityEnvironment().run(activities.run_callback, ref)

            tasks = [asyncio.create_task(run(call_id)) for call_id in crowd]
            try:
                async with asyncio.timeout(20):
                    while sum(t.done() for t in tasks) < CROWD - SHARE:
                        await asyncio.sleep(0.01)
                    while len(dripping.received) < SHARE:
                        await asyncio.sleep(0.01)
                turned_away = [t.result() for t in tasks if t.done()]
                assert turned_away == [CallbackResult(state=CallbackState.PENDING, busy=True)] * (
                    CROWD - SHARE
                )
                async with asyncio.timeout(5):
                    assert (await run(other)).state is CallbackState.DONE
                assert sum(not t.done() for t in tasks) == SHARE
                assert len(good.received) == 1
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            assert not activities._shares._held, "what ended gave its place back"
