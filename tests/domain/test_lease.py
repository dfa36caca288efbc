from __future__ import annotations

from datetime import timedelta

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.lease import lease_duration
from outdial.domain.call.plan import CallPlan
from tests.builders import definition


def test_a_plan_and_the_call_claimed_under_it_hold_a_slot_equally_long() -> None:
    plan = CallPlan.of(definition(ring_timeout="40s", max_duration="5m"))
    claimed = ClaimedCall(
        call_id="c1",
        workflow_id="call/default/reminder/1/1/1",
        tenant="default",
        campaign="reminder",
        line=plan.line,
        masked="+1 212 *** **43",
        attempt=1,
        ring_timeout=plan.ring_timeout,
        max_duration=plan.max_duration,
    )
    assert lease_duration(plan) == timedelta(minutes=6, seconds=40)
    assert lease_duration(claimed) == lease_duration(plan)
