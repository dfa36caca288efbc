"""What is written for endpoints, by which transactions; and when it is due. On both databases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.endpoint import (
    RETRY_AFTER,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Endpoint,
    EndpointKind,
    EndpointState,
    EventType,
)
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.call import events
from outdial.store.campaign import campaigns
from outdial.store.campaign.states import finish_campaign
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.webhooks import deliveries, endpoints, outbox, outstanding
from outdial.store.webhooks.deliveries import DeliveryFilter, Outcome
from outdial.store.webhooks.outbox import OutboxEvent
from tests.builders import LINE, NOW, House, event, phone
from tests.store.test_call_views import ask


def listen(house: House, name: str = "a", **changes: Any) -> Endpoint:
    values: dict[str, Any] = {
        "id": f"ep_{name}",
        "tenant": DEFAULT_TENANT,
        "url": f"https://{name}.example",
    }
    made = Endpoint(**(values | {"secret": "s", "created_at": NOW, "updated_at": NOW} | changes))
    house.write(lambda s: endpoints.add_endpoint(s, made))
    return made


def deliveries_to(house: House, endpoint: Endpoint) -> list[Delivery]:
    chosen = DeliveryFilter(endpoint_id=endpoint.id)
    listed = house.write(lambda s: deliveries.list_deliveries(s, DEFAULT_TENANT, chosen, limit=100))
    return listed[::-1]


def types(house: House, endpoint: Endpoint) -> list[str]:
    return [one.type for one in deliveries_to(house, endpoint)]


def due(house: House, endpoint: Endpoint, at: datetime = NOW) -> list[Delivery]:
    return house.write(lambda s: deliveries.due(s, endpoint.id, now=at, limit=100).deliveries)


def answer(
    house: House,
    one: Delivery,
    status: int | None,
    at: datetime = NOW,
    waits: Sequence[timedelta] = RETRY_AFTER,
) -> None:
    attempt = DeliveryAttempt(
        at=at, url="u", request_headers={}, request_body="", status=status, duration_ms=1,
        error=None if status == 200 else "it failed",
    )  # fmt: skip
    outcome = Outcome(attempt)
    house.write(lambda s: deliveries.record_outcome(s, one, outcome, now=at, waits=waits))


def state_of(house: House, endpoint: Endpoint) -> EndpointState:
    stored = house.write(lambda s: endpoints.get_endpoint(s, DEFAULT_TENANT, endpoint.id))
    assert stored is not None
    return stored.state


def report(house: House, call_id: str, status: CallStatus, name: str) -> None:
    reported = event(name, call_id=call_id, status=status)
    house.write(lambda s: events.store_events(s, LINE, [reported], now=NOW))


def test_a_campaigns_life_is_told(house: House) -> None:
    endpoint = listen(house)
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    house.place(call.call_id)
    report(house, call.call_id, CallStatus.RINGING, "e1")
    report(house, call.call_id, CallStatus.RINGING, "e2")
    report(house, call.call_id, CallStatus.IN_PROGRESS, "e3")
    report(house, call.call_id, CallStatus.RINGING, "e4")
    house.end(call.call_id)
    house.end(call.call_id)
    house.set_state(campaign, CampaignState.PAUSED)
    house.set_state(campaign, CampaignState.RUNNING)
    house.write(lambda s: finish_campaign(s, campaign.id, now=NOW))
    assert types(house, endpoint) == [
        "call.initiating", "call.ringing", "call.in_progress", "call.completed",
        "campaign.paused", "campaign.resumed", "campaign.finished",
    ]  # fmt: skip
    ended = json.loads(deliveries_to(house, endpoint)[3].payload)
    assert (ended["type"], ended["data"]["id"]) == ("call.completed", call.call_id)
    assert (ended["data"]["status"], ended["data"]["final"]) == ("completed", True)


def test_both_steps_are_told_when_they_become_known_at_once(house: House) -> None:
    endpoint = listen(house)
    call = house.claim_one(house.launch(1))
    house.place(call.call_id)
    both = [
        event("e1", call_id=call.call_id, status=CallStatus.RINGING),
        event("e2", call_id=call.call_id, status=CallStatus.IN_PROGRESS),
    ]
    house.write(lambda s: events.store_events(s, LINE, both, now=NOW))
    assert types(house, endpoint) == ["call.initiating", "call.ringing", "call.in_progress"]


@pytest.mark.parametrize(
    "status", [status for status in CallStatus if status.terminal], ids=lambda status: status.value
)
def test_every_end_of_a_call_is_told(house: House, status: CallStatus) -> None:
    endpoint = listen(house)
    call = house.claim_one(house.launch(1))
    house.place(call.call_id)
    house.end(call.call_id, status)
    assert types(house, endpoint) == ["call.initiating", f"call.{status}"]


def test_each_hears_what_concerns_it(house: House) -> None:
    everything = listen(house, "all")
    ends = listen(house, "ends", events=("call.completed",))
    disabled = listen(house, "off", state=EndpointState.DISABLED)
    foreign = listen(house, "foreign", tenant="other")
    campaign = house.launch(1)
    own = listen(house, "own", kind=EndpointKind.CAMPAIGN, campaign_id=campaign.id)
    another = listen(house, "another", kind=EndpointKind.CAMPAIGN, campaign_id=campaign.id + 1)
    of_call = listen(house, "call", kind=EndpointKind.CALL)
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.end(call.call_id)
    both = ["call.initiating", "call.completed"]
    published = {one.id: types(house, one) for one in (everything, ends, own, another, disabled)}
    assert published == {
        "ep_all": both, "ep_ends": both[1:], "ep_own": both, "ep_another": [], "ep_off": [],
    }  # fmt: skip
    assert types(house, of_call) == types(house, foreign) == []


def test_a_suppression_is_told(house: House) -> None:
    endpoint = listen(house)
    house.write(lambda s: suppress_all(s, DEFAULT_TENANT, [phone(1)], "asked", now=NOW, source="x"))
    house.write(lambda s: suppress_all(s, DEFAULT_TENANT, [phone(1)], "asked", now=NOW, source="x"))
    assert types(house, endpoint) == ["recipient.suppressed"]


def test_a_request_that_ends_without_a_call_is_told(house: House) -> None:
    endpoint = listen(house)
    refused = ask(house, 1, refused="not a number")
    suppressed = ask(house, 2)
    house.write(lambda s: suppress_all(s, DEFAULT_TENANT, [phone(2)], "asked", now=NOW, source="x"))
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=NOW))
    house.claim(direct)
    ends = [
        json.loads(one.payload)
        for one in deliveries_to(house, endpoint)
        if one.type == "call.failed"
    ]
    assert [one["data"]["id"] for one in ends] == [refused, suppressed]
    assert all(one["data"]["final"] for one in ends)


def publish(house: House, *subjects: str) -> None:
    happened = [OutboxEvent("test", subject, {}) for subject in subjects]
    house.write(lambda s: outbox.publish(s, DEFAULT_TENANT, happened, now=NOW))


def test_one_of_a_subject_at_a_time(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a", "a", "b", "a")
    first_a, second_a, b, third_a = deliveries_to(house, endpoint)
    assert [one.id for one in due(house, endpoint)] == [first_a.id, b.id]
    answer(house, b, 200)
    answer(house, first_a, 500)
    assert due(house, endpoint) == []
    assert house.write(lambda s: outstanding.rest(s, endpoint.id)) == NOW + RETRY_AFTER[0]
    later = NOW + RETRY_AFTER[0]
    assert house.write(lambda s: outstanding.endpoints_due(s, now=NOW, limit=9)) == []
    assert house.write(lambda s: outstanding.endpoints_due(s, now=later, limit=9)) == [
        (DEFAULT_TENANT, endpoint.id)
    ]
    (again,) = due(house, endpoint, later)
    assert (again.id, again.attempts) == (first_a.id, 1)
    answer(house, again, 200, later)
    assert [one.id for one in due(house, endpoint, later)] == [second_a.id]
    assert third_a.id not in {one.id for one in due(house, endpoint, later)}


def test_after_three_days_it_is_disabled_with_a_notice(house: House) -> None:
    endpoint, watching = listen(house), listen(house, "b", events=("endpoint.disabled",))
    publish(house, "a", "b")
    at = NOW
    for wait in (*RETRY_AFTER, None):
        assert state_of(house, endpoint) is EndpointState.ENABLED
        (one,) = [each for each in due(house, endpoint, at) if each.subject == "a"]
        answer(house, one, 500, at)
        at += wait or timedelta(0)
    assert timedelta(days=3) < at - NOW < timedelta(days=4)
    assert state_of(house, endpoint) is EndpointState.DISABLED
    assert due(house, endpoint, at) == []
    (notice,) = deliveries_to(house, watching)
    assert json.loads(notice.payload)["data"]["endpoint"] == endpoint.id
    assert [one.state for one in deliveries_to(house, endpoint)] == [
        DeliveryState.FAILED, DeliveryState.PENDING,
    ]  # fmt: skip


def test_the_waits_can_be_set(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    for at in (NOW, NOW + timedelta(seconds=1)):
        (one,) = due(house, endpoint, at)
        answer(house, one, 500, at, waits=(timedelta(seconds=1),))
    assert deliveries_to(house, endpoint)[0].state is DeliveryState.FAILED
    assert state_of(house, endpoint) is EndpointState.DISABLED


def test_who_takes_something_meanwhile_is_not_disabled(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    at = NOW
    for wait in (*RETRY_AFTER, None):
        (one,) = [each for each in due(house, endpoint, at) if each.subject == "a"]
        answer(house, one, None, at)
        publish(house, "good")
        (other,) = [each for each in due(house, endpoint, at) if each.subject == "good"]
        answer(house, other, 200, at)
        at += wait or timedelta(0)
    assert state_of(house, endpoint) is EndpointState.ENABLED
    assert deliveries_to(house, endpoint)[0].state is DeliveryState.FAILED


def test_410_is_heeded_at_once(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    answer(house, due(house, endpoint)[0], 410)
    assert state_of(house, endpoint) is EndpointState.DISABLED
    (one,) = deliveries_to(house, endpoint)
    assert (one.state, one.attempts, one.last_status) == (DeliveryState.FAILED, 1, 410)


def test_sent_again_by_hand(house: House) -> None:
    endpoint = listen(house)
    publish(house, "a")
    (one,) = due(house, endpoint)
    answer(house, one, 200)
    later = NOW + timedelta(hours=1)
    assert house.write(lambda s: deliveries.redeliver(s, DEFAULT_TENANT, one.id, now=later))
    assert not house.write(lambda s: deliveries.redeliver(s, "other", one.id, now=later))
    (again,) = due(house, endpoint, later)
    assert (again.event_id, again.attempts) == (one.event_id, 0)
    answer(house, again, 200, later)
    tries = house.write(lambda s: deliveries.attempts_of(s, one.id))
    assert [attempt.status for attempt in tries] == [200, 200]


def test_what_was_delivered_long_ago_is_dropped_and_nothing_else(house: House) -> None:
    endpoint = listen(house)
    publish(house, "old", "older", "failed", "waiting", "again", "young")
    by_subject = {one.subject: one for one in deliveries_to(house, endpoint)}
    minute = timedelta(minutes=1)
    for subject, at in (("older", NOW), ("old", NOW + minute), ("again", NOW)):
        answer(house, by_subject[subject], 200, at)
    answer(house, by_subject["young"], 200, NOW + 3 * minute)
    answer(house, by_subject["waiting"], 500)
    answer(house, by_subject["failed"], 500, waits=())
    again = by_subject["again"].id
    assert house.write(lambda s: deliveries.redeliver(s, DEFAULT_TENANT, again, now=NOW))

    def forget() -> int:
        before = NOW + 2 * minute
        return house.write(lambda s: deliveries.delete_delivered(s, before=before, limit=1))

    left = {"old", "failed", "waiting", "again", "young"}
    assert forget() == 1
    assert {one.subject for one in deliveries_to(house, endpoint)} == left
    assert forget() == 1
    assert forget() == 0
    assert {one.subject for one in deliveries_to(house, endpoint)} == left - {"old"}
    assert house.write(lambda s: deliveries.attempts_of(s, by_subject["old"].id)) == []
    assert len(house.write(lambda s: deliveries.attempts_of(s, by_subject["young"].id))) == 1


def test_what_an_endpoints_scheme_has_no_event_for_stands_in_no_log(house: House) -> None:
    """Nothing was sent, so nothing was delivered; what comes behind it goes on."""
    endpoint = listen(house)
    happened = [OutboxEvent(f"call.{what}", "call/1", {"id": "1"}) for what in ("ringing", "busy")]
    house.write(lambda s: outbox.publish(s, DEFAULT_TENANT, happened, now=NOW))
    (ringing,) = due(house, endpoint)
    attempt = DeliveryAttempt(
        at=NOW, url=endpoint.url, request_headers={}, request_body="", duration_ms=0, status=204
    )
    nothing = Outcome(attempt, nothing=True)
    house.write(lambda s: deliveries.record_outcome(s, ringing, nothing, now=NOW))
    assert types(house, endpoint) == ["call.busy"]
    assert [one.type for one in due(house, endpoint)] == ["call.busy"]


def test_what_runs_on_the_simulated_network_says_so(house: House) -> None:
    endpoint = listen(house)
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.write(lambda s: outbox.publish_campaign(s, campaign, EventType.CAMPAIGN_STARTED, now=NOW))
    called, started = (
        json.loads(one.payload)["data"] for one in deliveries_to(house, endpoint)[-2:]
    )
    assert (called["line"], called["simulated"]) == (LINE, True)
    assert (started["lines"], started["simulated"]) == ([LINE], [LINE])
