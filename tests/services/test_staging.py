"""Launches and additions whose recipients are written in many short transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytz
from sqlalchemy import event, func, select
from sqlmodel import Session
from temporalio.testing import ActivityEnvironment

from activities.campaigns import Campaigns
from outdial.contracts.signatures.campaign import EnrollInput
from outdial.dispatch.wakeups import Wakeups
from outdial.domain.access import Limit
from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.record import CampaignRecord, StagingRecord, StagingState
from outdial.intake.contacts.chunks import RosterChunk, read_chunks
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.services.calls.calls import CallOrder, create_call
from outdial.services.campaigns import adding, launching, staging
from outdial.services.campaigns.adding import add_file, add_recipients
from outdial.services.campaigns.launching import (
    BegunLaunch,
    begin_launch,
    carry_out,
    launch_campaign,
    store_launch,
)
from outdial.services.campaigns.staging import cancel_staging, read_staging
from outdial.services.errors import (
    ChangeRefused,
    Collision,
    NoCallableRecipients,
    NotFound,
    QuotaUsedUp,
)
from outdial.services.operations.maintenance import MaintenanceLoop
from outdial.store.campaign.campaigns import find_campaign
from outdial.store.campaign.states import set_campaign_state
from outdial.store.db.errors import CampaignRunning, StagingEnded
from outdial.store.db.tables import campaign, recipient, roster_chunk
from outdial.store.roster import roster
from outdial.store.roster.staging import ABANDONED_AFTER
from tests.appointments import list_appointments
from tests.builders import request
from tests.services.world import World, new_name


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of recipients in several chunks."""
    monkeypatch.setattr(staging, "CHUNK_ROWS", 2)
    monkeypatch.setattr(adding, "CHUNK_ROWS", 2)


def numbers(count: int, first: int = 0) -> list[str]:
    return [f"+1202555{100 + n:04}" for n in range(first, first + count)]


def loaded(name: str, people: list[str]) -> LoadedDefinition:
    rows = "\n".join(f'  - {{phone: "{number}"}}' for number in people)
    return read_definition_text(
        f"name: {name}\npurpose: informational\nagent: a\n"
        f'schedule: {{hours: "00:00-24:00", time_zone: UTC}}\nrecipients:\n{rows}\n'
    )


async def find(world: World, name: str) -> CampaignRecord | None:
    return await world.ctx.database.read(lambda s: find_campaign(s, "default", name))


async def phones(world: World, record: CampaignRecord) -> list[str]:
    people = await world.ctx.database.read(
        lambda s: roster.list_recipients(s, record.id, launch=record.launch, limit=1000)
    )
    return [person.phone for person in people]


async def left_of(world: World, name: str) -> tuple[int, int, int]:
    """Campaign rows of that name, and rows that no launch has."""

    def count(s: Session) -> tuple[int, int, int]:
        rows = select(func.count()).select_from(campaign).where(campaign.c.name == name)
        unlaunched = (
            select(func.count())
            .select_from(recipient)
            .join(campaign, campaign.c.id == recipient.c.campaign_id)
            .where((recipient.c.launch > campaign.c.launch) | (recipient.c.launch < 0))
        )
        chunks = select(func.count()).select_from(roster_chunk)
        execute = s.connection().execute
        return (
            execute(rows).scalar_one(),
            execute(unlaunched).scalar_one(),
            execute(chunks).scalar_one(),
        )

    return await world.ctx.database.read(count)


async def begin(world: World, definition: LoadedDefinition, **how: Any) -> BegunLaunch:
    return await begin_launch(world.ctx, definition, again=False, **how)


async def written(world: World, begun: BegunLaunch) -> StagingRecord:
    return (await read_staging(world.ctx, begun.staging.public_id)).record


async def write_half(world: World, begun: BegunLaunch) -> None:
    """Write some chunks of a launch, and die."""
    record = begun.staging
    writer = staging.StagingWriter(world.ctx, record, "simulated")
    async with staging.reading(begun.loaded) as chunks:
        async for chunk in chunks:
            await writer._take(chunk)
            break


async def test_a_launch_shows_how_far_it_is(world: World) -> None:
    name, shown = new_name(), list[StagingRecord]()
    begun = await begin(world, loaded(name, numbers(5)))
    assert (await written(world, begun)).state is StagingState.STAGING
    assert await find(world, name) is None
    stored = await carry_out(world.ctx, begun, progress=shown.append)
    assert [(one.rows_read, one.recipients) for one in shown] == [(2, 2), (4, 4), (5, 5)]
    assert await phones(world, stored.record) == numbers(5)
    ended = await written(world, begun)
    assert (ended.state, ended.recipients, ended.launch) == (StagingState.DONE, 5, 1)
    with pytest.raises(NotFound):
        await read_staging(replace(world.ctx, tenant="other"), begun.staging.public_id)


async def test_the_workflow_finds_everybody_enrolled(world: World) -> None:
    stored = await store_launch(world.ctx, loaded(new_name(), numbers(3)), again=False)
    launch = EnrollInput(campaign_id=stored.record.id, launch=1)
    enrolled = await ActivityEnvironment().run(Campaigns(world.ctx).enroll_recipients, launch)
    assert enrolled.rows == 0
    assert await phones(world, stored.record) == numbers(3)


async def test_every_problem_is_found_and_nothing_is_left(world: World) -> None:
    name = new_name()
    people = [*numbers(3), "12", *numbers(3, first=10), "13"]
    begun = await begin(world, loaded(name, people))
    with pytest.raises(DefinitionInvalid) as refused:
        await carry_out(world.ctx, begun)
    assert len(refused.value.problems) == 2
    assert await left_of(world, name) == (0, 0, 0)
    shown = await read_staging(world.ctx, begun.staging.public_id)
    assert shown.problems == refused.value.problems
    assert (shown.record.state, shown.record.rows_read) == (StagingState.REFUSED, 8)
    assert (shown.record.error, shown.record.error_code) == (None, "definition_invalid")


async def test_a_refusal_at_the_end_leaves_nothing(world: World) -> None:
    name = new_name()
    limited = replace(world.ctx, quotas=(Limit(name="q", allowed=3, within=timedelta(days=1)),))
    with pytest.raises(QuotaUsedUp):
        await store_launch(limited, loaded(name, numbers(5)), again=False)
    assert await left_of(world, name) == (0, 0, 0)
    stored = await store_launch(limited, loaded(name, numbers(3)), again=False)
    assert len(await phones(world, stored.record)) == 3


async def test_a_quota_is_the_last_that_a_transaction_locks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the operator log. Two in two orders, of a campaign as well, wait for each other."""
    monkeypatch.setattr(adding, "enroll_staged", _told)
    limited = replace(world.ctx, quotas=(Limit(name="q", allowed=99, within=timedelta(days=1)),))
    written: list[list[str]] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN", "PRAGMA", "INSERT INTO operator_log")):
            written[-1].append(statement)

    engine = world.ctx.database._write_engine
    event.listen(engine, "begin", lambda _: written.append([]))
    event.listen(engine, "before_cursor_execute", note)
    launched = await store_launch(limited, loaded(new_name(), numbers(3)), again=False)
    for count in (2, 5):
        await add_recipients(limited, launched.record.name, inline(*numbers(count, first=10)))
    async with Wakeups(limited.temporal) as wakeups:
        await create_call(limited, wakeups, CallOrder(request()))
    spending = [one for one in written if any("rate_count" in statement for statement in one)]
    assert ["rate_count" in one[-1] for one in spending] == [True] * 4


async def test_of_two_launches_at_once_the_second_joins_the_first(world: World) -> None:
    name = new_name()
    begun = await begin(world, loaded(name, numbers(4)))
    second = asyncio.create_task(launch_campaign(world.ctx, loaded(name, numbers(2, first=50))))
    await asyncio.sleep(0)
    assert not second.done()
    stored = await carry_out(world.ctx, begun)
    joined = await second
    assert (joined.created, joined.resumed) == (False, True)
    assert joined.campaign.launch == 1
    assert await phones(world, stored.record) == numbers(4)
    await world.ctx.temporal.get_workflow_handle(joined.workflow_id).terminate()


async def test_a_launch_waits_for_another_only_so_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "WRITTEN_WITHIN", timedelta(0))
    name = new_name()
    begun = await begin(world, loaded(name, numbers(2)))
    with pytest.raises(Collision, match="another launch"):
        async with asyncio.timeout(20):
            await launch_campaign(world.ctx, loaded(name, numbers(2, first=50)))
    world.clock.now += ABANDONED_AFTER
    stored = await store_launch(world.ctx, loaded(name, numbers(3, first=50)), again=False)
    assert await phones(world, stored.record) == numbers(3, first=50)
    assert (await written(world, begun)).error_code == "staging_interrupted"


def test_a_launch_waits_until_a_dead_one_is_given_up() -> None:
    assert ABANDONED_AFTER + timedelta(seconds=10) < launching.WRITTEN_WITHIN


async def test_a_canceled_launch_with_problems_is_not_read_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = new_name()
    begun = await begin(world, loaded(name, ["12"]))

    def endless(*how: Any, **more: Any) -> Iterator[RosterChunk]:
        [wrong] = read_chunks(*how, **more)
        while True:
            yield wrong

    monkeypatch.setattr(staging, "PROBLEMS_NOTED_EVERY", timedelta(0))
    monkeypatch.setattr(staging, "SIGN_OF_LIFE_EVERY", timedelta(0))
    monkeypatch.setattr(staging, "read_chunks", endless)
    await cancel_staging(world.ctx, begun.staging.public_id)
    with pytest.raises(StagingEnded):
        async with asyncio.timeout(20):
            await carry_out(world.ctx, begun)
    assert await left_of(world, name) == (0, 0, 0)


async def test_the_next_launch_removes_what_a_dead_one_wrote(world: World) -> None:
    name = new_name()
    begun = await begin(world, loaded(name, numbers(4)))
    await write_half(world, begun)
    assert (await left_of(world, name))[1] == 2
    world.clock.now += ABANDONED_AFTER
    stored = await store_launch(world.ctx, loaded(name, numbers(3, first=50)), again=False)
    assert await phones(world, stored.record) == numbers(3, first=50)
    assert (await written(world, begun)).error_code == "staging_interrupted"
    with pytest.raises(StagingEnded):
        await carry_out(world.ctx, begun)
    assert await phones(world, stored.record) == numbers(3, first=50)


async def test_the_maintenance_loop_removes_what_a_dead_launch_wrote(world: World) -> None:
    name = new_name()
    begun = await begin(world, loaded(name, numbers(4)))
    await write_half(world, begun)
    maintenance = MaintenanceLoop(world.ctx)
    await maintenance.clear_abandoned()
    assert (await left_of(world, name))[1] == 2
    world.clock.now += ABANDONED_AFTER
    await maintenance.clear_abandoned()
    assert await left_of(world, name) == (0, 0, 0)
    world.clock.now += timedelta(days=1, seconds=1)
    await maintenance.delete_expired()
    with pytest.raises(NotFound):
        await written(world, begun)


async def test_a_cancelled_launch_is_given_up_at_once(world: World) -> None:
    name, begun_writing = new_name(), asyncio.Event()
    begun = await begin(world, loaded(name, numbers(6)))

    def show(_: StagingRecord) -> None:
        begun_writing.set()

    task = asyncio.create_task(carry_out(world.ctx, begun, progress=show))
    await begun_writing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await written(world, begun)).state is not StagingState.STAGING
    stored = await store_launch(world.ctx, loaded(name, numbers(1)), again=False)
    assert await phones(world, stored.record) == numbers(1)


async def test_a_requester_launches_once(world: World) -> None:
    name = new_name()
    await store_launch(world.ctx, loaded(name, numbers(2)), again=False, requester="run/1")
    with pytest.raises(CampaignRunning):
        await store_launch(world.ctx, loaded(name, numbers(2)), again=True, requester="run/1")


async def test_appointments_are_entered_after_the_launch(world: World) -> None:
    name = new_name()
    text = (
        f"name: {name}\npurpose: informational\nagent: a\nvariables: {{x: y}}\n"
        "calendar: {name: c, time_zone: America/New_York, existing: '{{ row.at }}'}\n"
        'recipients:\n  - {phone: "+12025550123", at: "2030-06-04T09:30"}\n'
        '  - {phone: "+12025550124", at: ""}\n'
    )
    bad = text + '  - {phone: "12", at: ""}\n'
    with pytest.raises(DefinitionInvalid):
        await store_launch(world.ctx, read_definition_text(bad), again=False)
    assert await left_of(world, name) == (0, 0, 0)
    stored = await store_launch(world.ctx, read_definition_text(text), again=False)
    day = datetime(2030, 6, 4, tzinfo=UTC)

    async def entered() -> list[str]:
        found = await world.ctx.database.read(
            lambda s: list_appointments(s, "default", "c", start=day, end=day + timedelta(days=1))
        )
        return [appointment.phone for appointment in found]

    assert await entered() == []
    launch = EnrollInput(campaign_id=stored.record.id, launch=1)
    for _ in range(2):
        await ActivityEnvironment().run(Campaigns(world.ctx).enroll_recipients, launch)
        assert await entered() == ["+12025550123"]
    assert await left_of(world, name) == (1, 0, 0)


# --- additions ----------------------------------------------------------------------------------


async def launched(world: World) -> CampaignRecord:
    return (await launch_campaign(world.ctx, loaded(new_name(), numbers(1)))).campaign


def inline(*people: str) -> list[InlineRecipient]:
    return [InlineRecipient(phone=number) for number in people]


@pytest.mark.parametrize("count", [2, 5])
async def test_all_recipients_of_a_request_are_added(
    world: World, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    record = await launched(world)
    monkeypatch.setattr(adding, "enroll_staged", _told)
    added, _ = await add_recipients(world.ctx, record.name, inline(*numbers(count, first=10)))
    assert added == count
    assert await phones(world, record) == numbers(1) + numbers(count, first=10)


async def _told(*_: object) -> None:
    return None


@pytest.mark.parametrize("count", [2, 5])
async def test_of_a_wrong_request_nobody_is_added(world: World, count: int) -> None:
    record = await launched(world)
    wrong = inline(*numbers(count - 1, first=10), "12")
    with pytest.raises(DefinitionInvalid) as refused:
        await add_recipients(world.ctx, record.name, wrong)
    assert [problem.field for problem in refused.value.problems] == [
        f"recipients[{count - 1}].phone"
    ]
    assert await phones(world, record) == numbers(1)
    assert (await left_of(world, record.name))[1:] == (0, 0)


async def test_a_file_is_added(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = await launched(world)
    monkeypatch.setattr(adding, "enroll_staged", _told)
    (tmp_path / "more.csv").write_text("phone\n" + "\n".join(numbers(5, first=20)) + "\n")
    shown: list[StagingRecord] = []
    added, _ = await add_file(world.ctx, record.name, "more.csv", tmp_path, progress=shown.append)
    assert (added, shown[-1].rows_read) == (5, 5)
    assert await phones(world, record) == numbers(1) + numbers(5, first=20)


@pytest.mark.parametrize("count", [2, 5])
async def test_nobody_is_added_beyond_the_quota(world: World, count: int) -> None:
    record = await launched(world)
    limited = replace(world.ctx, quotas=(Limit(name="q", allowed=1, within=timedelta(days=1)),))
    with pytest.raises(QuotaUsedUp):
        await add_recipients(limited, record.name, inline(*numbers(count, first=10)))
    assert await phones(world, record) == numbers(1)
    assert (await left_of(world, record.name))[1:] == (0, 0)


@pytest.mark.parametrize("count", [2, 5])
async def test_nobody_is_added_to_a_campaign_that_stops(world: World, count: int) -> None:
    record, now = await launched(world), world.clock.now
    await world.ctx.database.write(
        lambda s: set_campaign_state(s, record.id, CampaignState.STOPPING, now=now)
    )
    with pytest.raises(ChangeRefused):
        await add_recipients(world.ctx, record.name, inline(*numbers(count, first=10)))
    assert (await left_of(world, record.name))[1:] == (0, 0)


async def test_an_addition_whose_process_died_after_its_acceptance_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await launched(world)

    async def die(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("outdial.store.roster.flip.MOVED_AT_ONCE", 0)
    monkeypatch.setattr(adding, "move_accepted", die)
    with pytest.raises(RuntimeError):
        await add_recipients(world.ctx, record.name, inline(*numbers(5, first=10)))
    assert await phones(world, record) == numbers(1)
    world.clock.now += ABANDONED_AFTER
    await MaintenanceLoop(world.ctx).clear_abandoned()
    assert await phones(world, record) == numbers(1) + numbers(5, first=10)
    launch = EnrollInput(campaign_id=record.id, launch=1)
    await ActivityEnvironment().run(Campaigns(world.ctx).enroll_recipients, launch)
    assert not await world.ctx.database.read(lambda s: roster.has_staged(s, record.id))


async def test_nobody_who_can_never_be_called_is_launched(world: World) -> None:
    name = new_name()
    sales = read_definition_text(
        f'name: {name}\npurpose: telemarketing\nagent: a\nrecipients: [{{phone: "+33142278186"}}]\n'
    )
    with pytest.raises(NoCallableRecipients):
        await store_launch(world.ctx, sales, again=False)
    assert await left_of(world, name) == (0, 0, 0)


async def test_the_recipients_of_a_launch_are_due_when_their_hours_open(world: World) -> None:
    """Not at once: claims would look at each of them in vain before."""
    loaded = read_definition_text(
        "name: evening\npurpose: informational\nagent: a\n"
        'schedule: { hours: "20:00-20:30" }\n'
        "recipients:\n  - { phone: '+12125550143' }\n"
    )
    launched = await launch_campaign(world.ctx, loaded)
    due = select(recipient.c.due_at).where(recipient.c.campaign_id == launched.campaign.id)
    at = await world.ctx.database.read(lambda s: s.connection().execute(due).scalar_one())
    assert at > world.clock.now
    there = at.astimezone(pytz.timezone("America/New_York"))
    assert (there.hour, there.minute) == (20, 0)
