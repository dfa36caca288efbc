"""A canary on a whole stack: an agent that one in five opts out of is taken back by itself, also
when the worker is killed meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from outdial.domain.canary.evidence import GuardMetric
from outdial.domain.canary.verdict import CanaryState
from outdial.intake.definition import read_definition_text
from outdial.services.campaigns.applying import apply_definition
from outdial.services.campaigns.canaries import read_canary
from outdial.services.campaigns.revisions import list_revisions
from outdial.services.operations import reading
from tests.faults.harness import campaign, numbers, open_stack, plan_stack
from tests.faults.invariants import assert_nothing_broken
from tests.waiting import until

pytestmark = pytest.mark.faults

NAME, RECIPIENTS, AT_ONCE = "tried", 600, 20
LIKED, DISLIKED = (
    f"{{id: {name}, settings: {{people: {{weights: {weights}, cost_per_minute: 0}}}}}}"
    for name, weights in (("liked", "{answer: 1}"), ("disliked", "{answer: 4, opt_out: 1}"))
)


async def test_an_agent_that_one_in_five_opts_out_of_is_taken_back(tmp_path: Path) -> None:
    people = numbers(RECIPIENTS)
    tried = campaign(NAME, people, max_concurrent=AT_ONCE, agent=DISLIKED)
    async with open_stack(plan_stack(tmp_path)) as stack:
        await stack.launch(campaign(NAME, people, max_concurrent=AT_ONCE, agent=LIKED))
        await stack.until_creates(5)
        applied = await apply_definition(stack.ctx, read_definition_text(tried), canary=0.25)
        assert applied.canary is not None
        await stack.until_creates(RECIPIENTS // 20)
        await stack.parts["worker"].kill()
        await stack.parts["worker"].start()

        async def decided() -> bool:
            stack.check_parts()
            return (await read_canary(stack.ctx, NAME)).state is not CanaryState.RUNNING

        await until(decided, timeout=300, interval=0.1)
        await stack.until_over(NAME, timeout=300)
        record = await read_canary(stack.ctx, NAME)
        aftermath = await stack.aftermath(NAME)
        back, *_ = await list_revisions(stack.ctx, NAME, limit=5)
        calls = await reading.list_calls(stack.ctx, NAME, limit=1000)
    assert_nothing_broken(aftermath, recipients=RECIPIENTS, max_concurrent=AT_ONCE)
    assert (record.state, record.evidence.strongest()) == (
        CanaryState.ROLLED_BACK,
        GuardMetric.OPT_OUTS,
    )
    assert (back.revision, back.restores, back.reason) == (3, 1, record.reason)
    assert record.ended_at is not None
    by_revision = {
        number: [call for call in calls if call.evidence["revision"] == number]
        for number in (1, 2, 3)
    }
    assert all(by_revision.values())
    assert max(call.created_at for call in by_revision[2]) <= record.ended_at
    opted_out = [call for call in calls if call.disposition == "opted_out"]
    assert {call.evidence["revision"] for call in opted_out} == {2}
