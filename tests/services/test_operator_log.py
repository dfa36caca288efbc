"""Who did it: what services do is in the log, with who asked, once, and in one transaction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outdial.contracts.messages import PauseRequest
from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.operator import Operator
from outdial.services.campaigns import control
from outdial.services.campaigns.adding import add_recipients
from outdial.services.campaigns.applying import apply_definition, roll_back
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.compliance import blocking, suppressing
from outdial.services.compliance.operator_log import audit_log
from outdial.services.errors import RequestRefused
from tests.services.logged import logged
from tests.services.test_applying import campaign
from tests.services.world import NUMBERS, OTHER_TENANT, World, new_name

ANA = Operator(door="cli", author="user ana")
REPORTS = Operator(door="v1", author="key reports", key_id="1f3c")


async def test_what_goes_through_the_workflow_names_who_asked(working: World) -> None:
    name = new_name()
    ctx, by_key = replace(working.ctx, operator=ANA), replace(working.ctx, operator=REPORTS)
    launched = await launch_campaign(ctx, campaign(name))
    await control.pause(by_key, name, reason="lunch")
    await control.pause(ctx, name)  # changes nothing
    await control.resume(ctx, name)
    await apply_definition(by_key, campaign(name, pacing="{max_concurrent: 3}"), reason="faster")
    await apply_definition(by_key, campaign(name, pacing="{max_concurrent: 3}"))  # nor this
    await roll_back(ctx, name, reason="too fast")
    await add_recipients(by_key, name, [InlineRecipient(phone="+12025550199")])
    handle = ctx.temporal.get_workflow_handle(launched.workflow_id)
    await handle.execute_update("pause", PauseRequest(reason="by hand"))
    await control.stop(ctx, name, reason="done", hang_up=True)
    entries = await logged(ctx, f"campaign/{name}")
    shown = [(each.action.value, each.door, each.author, each.reason) for each in entries]
    assert shown == [
        ("launch", "cli", "user ana", None),
        ("pause", "v1", "key reports", "lunch"),
        ("resume", "cli", "user ana", None),
        ("apply", "v1", "key reports", "faster"),
        ("roll_back", "cli", "user ana", "too fast"),
        ("add", "v1", "key reports", None),
        ("pause", "temporal", None, "by hand"),
        ("stop", "cli", "user ana", "done"),
    ]
    assert {each.key_id for each in entries if each.door == "v1"} == {"1f3c"}
    assert [each.details for each in entries if each.details] == [
        {"launch": 1, "revision": 1, "recipients": 3},
        {"revision": 2, "added": 0, "removed": 0},
        {"revision": 3, "added": 0, "removed": 0, "restores": 1},
        {"recipients": 1},
        {"hang_up": True},
    ]
    assert (await audit_log(ctx)).sound


async def test_what_is_stored_while_no_engine_runs_is_logged_too(world: World) -> None:
    ctx, name = replace(world.ctx, operator=ANA), new_name()
    await launch_campaign(ctx, campaign(name))
    await control.store_state(ctx, name, CampaignState.PAUSED, reason="night")
    await apply_definition(ctx, campaign(name, agent="b"), live=False)
    entries = await logged(ctx, f"campaign/{name}")
    assert [each.action.value for each in entries] == ["launch", "pause", "apply"]
    assert {(each.door, each.author) for each in entries} == {("cli", "user ana")}


async def test_rules_blocks_and_suppressions(world: World) -> None:
    ctx = replace(world.ctx, operator=ANA)
    await blocking.block(ctx, "US-LA", "2030-01-31", "storm")
    await blocking.unblock(ctx, "US-LA")
    await blocking.unblock(ctx, "US-LA")  # there is none
    await blocking.replace_rules(ctx, [])
    await suppressing.suppress(ctx, NUMBERS[:2], "asked by letter", source="letters.csv")
    await suppressing.lift(ctx, NUMBERS[0], "asked again", source="command line")
    await suppressing.lift(ctx, NUMBERS[0], "asked again", source="command line")
    entries = await logged(ctx)
    assert [(each.action.value, each.subject, each.reason) for each in entries] == [
        ("block", "place/US-LA", "storm"),
        ("unblock", "place/US-LA", None),
        ("replace", "rules", None),
        ("suppress", "suppressions", "asked by letter"),
        ("lift", "suppressions", "asked again"),
    ]
    assert entries[3].details == {"numbers": 2, "added": 2, "source": "letters.csv"}
    kept = "".join(each.model_dump_json() for each in entries)
    assert not any(number[2:] in kept for number in NUMBERS), "a number is kept for ever"


async def test_logs_are_the_tenants_own_and_a_kept_head_shows_another(world: World) -> None:
    ours, theirs = world.ctx, replace(world.ctx, tenant=OTHER_TENANT)
    for ctx in (ours, theirs):
        await blocking.block(ctx, "US-LA", "2030-01-31", "storm")
    audited = await audit_log(ours)
    assert (audited.entries, audited.sound) == (1, True)
    assert (await audit_log(ours, kept=audited.head)).sound
    other = await audit_log(theirs, kept=audited.head)
    assert [fault.problem for fault in other.faults] == ["it is not the entry of the kept head"]
    longer = await audit_log(ours, kept=f"9:{audited.head}")
    assert [fault.problem for fault in longer.faults] == ["the entry of the kept head is gone"]
    with pytest.raises(RequestRefused):
        await audit_log(ours, kept="head")
