"""After the call, with everything real: failed and carried on, and what hangs slows nobody."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from outdial.domain.call.callback_run import CallbackRun, CallbackRunState, CallbackState
from outdial.resources.integrations import Integrations
from outdial.services.calls import callback_runs
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.errors import ChangeRefused
from outdial.store.db.database import Database
from tests.activities.endpoint import Endpoint
from tests.builders import phone
from tests.e2e.engine import Engine, engine
from tests.e2e.stacks import campaign
from tests.services.servers import database
from tests.waiting import until

__all__ = ["at_work", "database"]

NOW = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
log = logging.getLogger(__name__)


@pytest_asyncio.fixture(loop_scope="session")
async def at_work(
    temporal_server: WorkflowEnvironment, database: Database
) -> AsyncIterator[Engine]:
    integrations = Integrations(allow_hosts=frozenset({"127.0.0.1"}))
    async with engine(temporal_server.client, database, NOW, integrations=integrations) as running:
        yield running


async def runs_of(at_work: Engine, name: str, state: CallbackRunState) -> list[CallbackRun]:
    """Wait until every callback run of a campaign is in a state."""
    listed: list[CallbackRun] = []

    async def all_are() -> bool:
        listed[:] = await callback_runs.list_callback_runs(at_work.ctx, name)
        return bool(listed) and all(callback_run.state is state for callback_run in listed)

    await until(all_are, timeout=60)
    return listed


async def over(at_work: Engine, name: str) -> None:
    async def is_over() -> bool:
        return (await at_work.progress(name)).state.over

    await until(is_over, timeout=120)


async def test_a_failed_run_is_retried(at_work: Engine) -> None:
    async with Endpoint() as endpoint:
        endpoint.status = 400
        text: dict[str, Any] = {
            "calendar": {
                "name": "clinic",
                "time_zone": "America/New_York",
                "existing": "{{ at }}",
            },
            "callbacks": [
                {"do": "confirm_appointment", "undo": True},
                {"do": "webhook", "url": endpoint.url, "body": {"at": "{{ appointment.status }}"}},
            ],
            "recipients": [{"phone": phone(4000), "at": "2026-12-09T10:00"}],
        }
        await launch_campaign(at_work.ctx, campaign("carried-on", (), **text))
        (failed,) = await runs_of(at_work, "carried-on", CallbackRunState.FAILED)
        assert failed.error == "callback 1 (webhook) failed"
        assert [entry.state for entry in failed.entries] == [
            CallbackState.UNDONE,
            CallbackState.FAILED,
        ]
        assert failed.entries[1].note == "the endpoint answered 400"
        endpoint.status = 200
        await callback_runs.retry_callbacks(at_work.ctx, failed.call_id)
        (done,) = await runs_of(at_work, "carried-on", CallbackRunState.DONE)
        assert [entry.state for entry in done.entries] == [CallbackState.DONE, CallbackState.DONE]
        assert endpoint.received[-1].body == b'{"at": "confirmed"}'
        with pytest.raises(ChangeRefused, match="has failed"):
            await callback_runs.retry_callbacks(at_work.ctx, failed.call_id)
        with pytest.raises(ChangeRefused, match="has no callbacks"):
            await callback_runs.retry_callbacks(at_work.ctx, "nobody")


@pytest.mark.slow
async def test_an_endpoint_that_hangs_slows_no_campaign(at_work: Engine) -> None:
    """The same forty people, ten at once, with an endpoint that answers and one that does not."""
    seconds: dict[str, float] = {}
    async with Endpoint() as answers, Endpoint() as hangs:
        hangs.hang = True
        for nth, name in enumerate(("answers", "hangs", "answers-again")):
            url = hangs.url if name == "hangs" else answers.url
            webhook = {"do": "webhook", "url": url, "retry": {"timeout": "1m"}}
            people = [phone(4100 + 100 * nth + n) for n in range(40)]
            pacing = {"max_concurrent": 10}
            loaded = campaign(name, people, callbacks=[webhook], pacing=pacing)
            begun = time.monotonic()
            await launch_campaign(at_work.ctx, loaded)
            await over(at_work, name)
            seconds[name] = time.monotonic() - begun
        log.info("%s", seconds)
        waiting = await callback_runs.list_callback_runs(at_work.ctx, "hangs")
        assert {callback_run.state for callback_run in waiting} == {CallbackRunState.PENDING}
        assert len(waiting) == 40
        # What the machine does besides differs by more than that.
        assert seconds["hangs"] < 1.5 * max(seconds["answers"], seconds["answers-again"]) + 2
