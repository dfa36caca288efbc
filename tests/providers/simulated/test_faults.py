"""The plan of faults: which request or event goes wrong; pure."""

from __future__ import annotations

from collections import Counter

import pytest

from outdial.providers.simulated.telephony.faults import (
    FaultPlan,
    FaultSettings,
    RequestFault,
    Route,
    WebhookFault,
)

NUMBER = "+12025550101"


def test_planned_faults_go_first_and_are_used_up() -> None:
    plan = FaultPlan(
        FaultSettings.model_validate(
            {
                "next": [
                    {"fault": "hang", "route": "get"},
                    {"fault": "throttle", "times": 2},
                    {"fault": "refuse"},
                ]
            }
        )
    )
    faults = [plan.for_request(Route.CREATE, NUMBER) for _ in range(4)]
    assert faults == [RequestFault.THROTTLE, RequestFault.THROTTLE, RequestFault.REFUSE, None]
    assert [planned.route for planned in plan.settings.next] == [Route.GET]


def test_faults_depend_on_the_seed_and_the_number_and_not_on_the_order_of_arrival() -> None:
    settings = FaultSettings(
        seed=3, routes={Route.CREATE: {RequestFault.THROTTLE: 0.3, RequestFault.HANG: 0.3}}
    )
    numbers = [f"+1202555{suffix:04}" for suffix in range(300)]
    forth, back = FaultPlan(settings), FaultPlan(settings)
    faults = {number: forth.for_request(Route.CREATE, number) for number in numbers}
    again = {number: back.for_request(Route.CREATE, number) for number in reversed(numbers)}
    assert faults == again
    assert set(faults.values()) == {RequestFault.THROTTLE, RequestFault.HANG, None}
    other = FaultPlan(settings.model_copy(update={"seed": 4}))
    assert faults != {number: other.for_request(Route.CREATE, number) for number in numbers}


def test_webhook_faults_come_as_often_as_their_probability_says() -> None:
    plan = FaultPlan(FaultSettings(webhooks={WebhookFault.LOSE: 0.2, WebhookFault.REPEAT: 0.1}))
    counts = Counter(plan.for_event(NUMBER, nth, "call.ringing") for nth in range(4000))
    # Four standard deviations of a binomial with n = 4000.
    assert counts[WebhookFault.LOSE] == pytest.approx(800, abs=102)
    assert counts[WebhookFault.REPEAT] == pytest.approx(400, abs=76)


def test_silence_comes_as_often_as_its_probability_says() -> None:
    plan = FaultPlan(FaultSettings(silent=0.25))
    silent = sum(plan.silences(NUMBER, nth) for nth in range(4000))
    assert silent == pytest.approx(1000, abs=110)
