"""Orders that can't be written: each ends as failed, and the line goes on for everybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.calls import Calls
from outdial.contracts.signatures.call import PlaceInput, Placement, PlacementResult
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import BreakerPolicy, Circuit
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.resources.resources import Resources
from outdial.store.db.database import Database
from outdial.store.db.tables import line
from outdial.store.lines.health import health_of
from outdial.store.roster import roster
from outdial.store.roster.roster import list_recipients
from tests.builders import House, draft, located, phone
from tests.databases import migrated
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import CALLER_ID, Stage
from tests.services.world import no_temporal

ODD = {"name": "half a character: \ud83d"}
MANY = 4
"""More than open a line's circuit."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as made:
        yield made


@pytest.fixture(params=sorted(stages()))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stages()[request.param]() as running:
        yield running
        running.violations.clear()


class Desk:
    """A line at a provider, and the activity that places its calls."""

    def __init__(self, database: Database, stage: Stage, temporal: Client) -> None:
        self.house = House(database)
        self.house.line("main", breaker=BreakerPolicy(min_attempts=3))
        self.provider = stage.provider_class(stage.line())
        self.stage = stage
        self._calls = Calls(
            Resources(
                database=database,
                temporal=temporal,
                lines=Lines([Line("main", self.provider, LinePolicy(caller_ids=(CALLER_ID,)))]),
                clock=lambda: self.house.now,
                public_url="https://calls.example.com",
            )
        )
        self._launched = 0

    def launch(self, people: int, variables: dict[str, str], **agent: object) -> CampaignRecord:
        self._launched += 1
        first = self._launched * 100
        record = self.house.launch(
            0,
            f"c{self._launched}",
            line="main",
            agent={"id": self.stage.agent, "settings": self.stage.agent_settings} | agent,
        )
        rows = located(
            [draft(at, phone=phone(first + at), variables=variables) for at in range(people)]
        )
        self.house.write(lambda s: roster.enroll_chunk(s, record.id, record.launch, 0, rows))
        return record

    async def call_next(self, campaign: CampaignRecord) -> Placement:
        """Claim one call, place it, and record its end as its workflow would."""
        claimed = self.house.claim_one(campaign)
        placed = await ActivityEnvironment().run(
            self._calls.place_call, PlaceInput(call_id=claimed.call_id)
        )
        if placed.result is PlacementResult.NOT_PLACED:
            end = {"failure": placed.failure, "detail": placed.detail, "may_have_rung": False}
            self.house.end(claimed.call_id, CallStatus.FAILED, **end)
        else:
            assert placed.result is PlacementResult.PLACED, placed
            self.house.end(claimed.call_id)
        return placed

    def circuit(self) -> Circuit:
        row = self.house.write(lambda s: s.connection().execute(select(line)).mappings().one())
        return health_of(row).circuit


@pytest.fixture
async def desk(database: Database, stage: Stage) -> AsyncIterator[Desk]:
    made = Desk(database, stage, await no_temporal())
    yield made
    await made.provider.aclose()


async def test_many_of_them_end_as_failed_and_the_line_goes_on(desk: Desk) -> None:
    odd, good = desk.launch(MANY, ODD), desk.launch(1, {"name": "Ada"})
    results = [await desk.call_next(odd) for _ in range(MANY)]
    sent = [placed.result is PlacementResult.PLACED for placed in results]
    assert all(sent) or not any(sent)  # some providers are told no variables
    assert desk.circuit() is Circuit.CLOSED
    if not any(sent):
        assert {placed.failure for placed in results} == {FailureClass.REJECTED}
        assert "variables" in (results[0].detail or "")
        people = desk.house.write(lambda s: list_recipients(s, odd.id, launch=1, limit=99))
        assert {row.state for row in people} == {RecipientState.DONE}
        assert {row.outcome for row in people} == {"failed:rejected"}
    assert (await desk.call_next(good)).result is PlacementResult.PLACED


@pytest.mark.parametrize("stage", ["bland", "twilio"], indirect=True)
async def test_settings_that_an_adapter_refuses_are_the_calls_own(desk: Desk) -> None:
    """Bland calls again by itself by `retry`, and Twilio dials with an agent that is a URL."""
    settings = {**desk.stage.agent_settings, "retry": {"wait": 60}}
    agent = {"id": "reminder"} if desk.provider.name == "twilio" else {}
    odd, good = desk.launch(3, {}, settings=settings, **agent), desk.launch(1, {})
    results = [await desk.call_next(odd) for _ in range(3)]
    assert {placed.failure for placed in results} == {FailureClass.REJECTED}
    assert desk.circuit() is Circuit.CLOSED
    assert (await desk.call_next(good)).result is PlacementResult.PLACED


async def test_as_the_call_that_tries_a_line_it_leaves_the_try_to_the_next(desk: Desk) -> None:
    failing, odd, good = (desk.launch(3, {}), desk.launch(2, ODD), desk.launch(1, {"name": "Ada"}))
    desk.stage.locked = True
    for _ in range(3):
        await desk.call_next(failing)
        desk.house.later(minutes=2)
    assert desk.circuit() is Circuit.OPEN
    desk.stage.locked = False
    desk.house.later(minutes=2)
    first = await desk.call_next(odd)
    if first.result is PlacementResult.PLACED:
        assert desk.circuit() is Circuit.CLOSED
        return
    assert desk.circuit() is Circuit.OPEN
    desk.house.later(seconds=6)
    assert (await desk.call_next(good)).result is PlacementResult.PLACED
    assert desk.circuit() is Circuit.CLOSED


async def test_an_adapter_that_breaks_before_it_sends_is_no_doubt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(desk.provider), "place", _breaks)
    placed = await desk.call_next(desk.launch(1, {}))
    assert (placed.result, placed.failure) == (
        PlacementResult.NOT_PLACED,
        FailureClass.REJECTED,
    )
    assert "secret" not in (placed.detail or "")
    assert "can't be built" in caplog.text
    assert "secret" not in caplog.text


async def _breaks(*_: object) -> None:
    raise KeyError("a secret of the person")
