"""The life of a call, and what is asked and reported about calls."""

from __future__ import annotations

from datetime import timedelta

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.record import CampaignRecord
from outdial.store.call import calls, events, requests, settlement
from outdial.store.call.earlier import earlier_attempts, earlier_placements
from outdial.store.call.requests import NewRequest
from outdial.store.callbacks import tool_calls
from outdial.store.claims import fence, leases
from outdial.store.compliance import suppressions
from outdial.store.lines import lines
from outdial.store.roster import roster
from outdial.store.roster.withdrawal import find_number, withdraw_number, withdraw_recipient
from tests import builders
from tests.builders import LINE, House
from tests.history.filling import FIRST, phone_of
from tests.history.operations.registry import NOBODY, TENANT, Scene, operation

_NEW = 900_000
"""Numbers that the history does not have."""
_RETRY = {"no_answer": {"delays": "5m"}, "failed": {"delays": "5m"}, "busy": {"delays": "5m"}}


def _report(scene: Scene, event_id: str, line: str = LINE, **values: object) -> None:
    reported = builders.event(event_id, **values).model_copy(update={"at": scene.house.now})
    scene.do(lambda s: events.store_events(s, line, [reported], now=scene.house.now))


def _live(scene: Scene, campaign: CampaignRecord, status: CallStatus, wait: timedelta) -> str:
    """A call from its claim to its end."""
    house = scene.house
    call_id = house.claim_one(campaign).call_id
    scene.do(lambda s: fence.line_of(s, call_id))
    _report(scene, f"{call_id}-1", provider_call_id=f"p-{call_id}", status="ringing")
    house.place(call_id)
    _report(scene, f"{call_id}-2", call_id=call_id, status="in_progress")
    keys = [(TENANT, LINE, f"{call_id}-{n}") for n in (1, 2)]
    scene.do(lambda s: events.mark_signalled(s, keys, now=house.now))
    house.later(seconds=30)
    house.end(call_id, status, analysis_wait=wait)
    _report(scene, f"{call_id}-3", call_id=call_id, kind=EventKind.ANALYSIS, cost=0.1)
    return call_id


@operation
def calls_of_a_small_campaign(scene: Scene) -> None:
    for per_day in (None, 3):
        retry = _RETRY | {"max_attempts_per_day": per_day}
        pacing = {"max_concurrent": 50, "per_minute": 60}
        name = f"small-{per_day or 0}"
        campaign = scene.house.launch(4, name, first=_NEW, retry=retry, pacing=pacing)
        _live(scene, campaign, CallStatus.NO_ANSWER, timedelta(0))
        _live(scene, campaign, CallStatus.COMPLETED, timedelta(seconds=30))
        scene.house.later(minutes=10)
        for _ in range(2):
            scene.house.claim(campaign, key=name, limit=1)
        scene.house.claim(campaign)
        scene.house.set_state(campaign, CampaignState.STOPPING)


@operation
def calls_of_a_large_campaign(scene: Scene) -> None:
    house = scene.house
    drafts = [builders.draft(500_000 + n, phone=builders.phone(_NEW + 100 + n)) for n in range(3)]
    _add(house, scene.history.campaign, drafts)
    _live(scene, scene.history.campaign, CallStatus.NO_ANSWER, timedelta(0))
    claim = house.claim(scene.history.campaign, limit=1)
    scene.do(lambda s: leases.calls_in_flight(s, scene.history.campaign.id))
    scene.do(lambda s: leases.campaign_is_calling(s, claim.calls[0].call_id))


def _add(house: House, campaign: CampaignRecord, drafts: list[RecipientDraft]) -> None:
    rows = builders.located(drafts)
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 0, rows))


@operation
def a_call_whose_end_is_overdue(scene: Scene) -> None:
    house = scene.house
    campaign = house.launch(2, "overdue", first=_NEW + 10, retry=_RETRY)
    for settled in (True, False):
        call_id = house.claim_one(campaign).call_id
        house.place(call_id)
        house.end(call_id, CallStatus.COMPLETED, analysis_wait=timedelta(seconds=10))
        house.later(minutes=1)
        scene.do(lambda s: calls.awaiting_analysis(s, before=house.now, limit=10))
        scene.do(lambda s: calls.awaiting_analysis(s, before=house.now, limit=10, without=[NOBODY]))
        if settled:
            scene.do(lambda s, c=call_id: settlement.settle_call(s, c, now=house.now))  # type: ignore[misc]
        else:
            house.claim(campaign)


@operation
def calls_that_are_refused_or_in_doubt(scene: Scene) -> None:
    house = scene.house
    house.line("weak", breaker=BreakerPolicy(min_attempts=2, wait=timedelta(minutes=1)))
    campaign = house.launch(6, "weak", line="weak", first=_NEW + 20, retry=_RETRY)
    for failure in (FailureClass.UNAVAILABLE, FailureClass.REFUSED, FailureClass.THROTTLED):
        call_id = house.claim_one(campaign).call_id
        house.fence(call_id)
        scene.do(
            lambda s, c=call_id, f=failure: calls.record_not_placed(  # type: ignore[misc]
                s, c, failure=f, detail="no", now=house.now
            )
        )
        house.end(call_id, CallStatus.FAILED, failure=failure, may_have_rung=False)
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    scene.do(lambda s: calls.record_doubt(s, call_id, detail="timeout", now=house.now))
    house.later(hours=1)  # the line is tried again
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    _report(scene, "weak", "weak", call_id=call_id, status="ringing")
    scene.do(lambda s: lines.list_lines(s, TENANT))
    scene.do(lambda s: lines.hold_line(s, TENANT, "weak", None, None))


@operation
def a_call_that_is_reported_after_it_was_given_up(scene: Scene) -> None:
    house = scene.house
    campaign = house.launch(1, "late", first=_NEW + 30, retry=_RETRY)
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    scene.do(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail=None, now=house.now
        )
    )
    house.end(call_id, CallStatus.FAILED, may_have_rung=False, not_placed=True)
    house.later(hours=1)
    house.claim_one(campaign)
    _report(scene, "late-1", call_id=call_id, provider_call_id="p-late", status="in_progress")
    _report(scene, "late-2", call_id=call_id, status="completed")
    campaign = house.launch(1, "late-too", first=_NEW + 31, retry=_RETRY)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, CallStatus.NO_ANSWER)
    house.later(minutes=10)
    house.claim(campaign)
    _report(scene, "late-3", call_id=call_id, status="in_progress")
    _report(scene, "late-4", call_id=call_id, status="completed")


@operation
def a_call_after_one_that_may_have_been_answered(scene: Scene) -> None:
    house = scene.house
    campaign = house.launch(1, "twice", first=_NEW + 35, retry=_RETRY)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    for _ in range(2):
        house.end(call_id, CallStatus.NO_ANSWER)
    house.later(minutes=10)
    call_id = house.claim_one(campaign).call_id
    house.end(call_id, CallStatus.CANCELED, may_have_rung=False)


@operation
def people_who_are_not_called(scene: Scene) -> None:
    """Their number is suppressed, or nobody may be called at this hour."""
    house = scene.house
    listed = phone_of(1_000_003)
    campaign = house.launch(0, "not-called")
    _add(
        house,
        campaign,
        [
            builders.draft(0, phone=listed),
            builders.draft(1, phone=phone_of(1_000_005), alternate_phones=(listed,)),
        ],
    )
    house.claim(campaign)
    house.claim(campaign)
    closed = house.launch(60, "closed", first=_NEW + 5000, schedule={"hours": "00:00-00:30"})
    house.claim(closed)


@operation
def a_call_that_opts_out(scene: Scene) -> None:
    campaign = scene.house.launch(1, "opting-out", first=_NEW + 40)
    call_id = scene.house.claim_one(campaign).call_id
    scene.house.place(call_id)
    _report(scene, "opt-out", call_id=call_id, status="in_progress", disposition="opted_out")
    scene.house.end(call_id)


@operation
def reports_of_calls_in_the_history(scene: Scene) -> None:
    for reported in (
        builders.event("by-our-id", call_id="call-7", status="ringing"),
        builders.event("by-its-id", provider_call_id="provider-9", status="ringing"),
        builders.event("by-both", call_id="call-11", provider_call_id="provider-11"),
        builders.event("by-none", call_id=NOBODY, provider_call_id=NOBODY),
        builders.event("late", call_id="call-10", status="in_progress"),
    ):
        scene.do(lambda s, e=reported: events.store_events(s, LINE, [e], now=scene.house.now))  # type: ignore[misc]
    scene.do(lambda s: events.record_placed(s, "call-19", "new-id", now=scene.house.now))
    scene.do(lambda s: events.record_placed(s, "call-21", "provider-20", now=scene.house.now))


@operation
def look_ups_of_calls(scene: Scene) -> None:
    for call_id, provider_id, recipient_id in (
        ("call-17", "provider-17", scene.history.recipient),
        ("direct-17", "provider-direct-17", scene.history.direct_recipient),
        (NOBODY, NOBODY, 3),
    ):
        scene.do(lambda s, c=call_id: calls.get_call(s, c))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: calls.get_view(s, TENANT, c))  # type: ignore[misc]
        scene.do(lambda s, c=provider_id: calls.get_call_by_provider_id(s, LINE, c))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: events.events_of_call(s, c))  # type: ignore[misc]
        scene.do(lambda s, r=recipient_id: events.events_of_recipient(s, TENANT, r))  # type: ignore[misc]
        scene.do(lambda s, r=recipient_id: roster.recipient_result(s, r))  # type: ignore[misc]
        scene.do(lambda s, r=recipient_id: roster.last_calls(s, [r]))  # type: ignore[misc]
        scene.do(
            lambda s, p=provider_id: tool_calls.plan_of_live_call(s, TENANT, LINE, None, p)  # type: ignore[misc]
        )
        scene.do(lambda s, c=call_id: tool_calls.lock_live_call(s, TENANT, LINE, c, None))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: tool_calls.stored_answer(s, TENANT, LINE, c))  # type: ignore[misc]


@operation
def tool_calls_of_a_live_call(scene: Scene) -> None:
    campaign = scene.house.launch(1, "tools", first=_NEW + 50)
    call_id = scene.house.claim_one(campaign).call_id
    scene.house.place(call_id)
    live = scene.do(lambda s: tool_calls.lock_live_call(s, TENANT, LINE, None, f"p-{call_id}"))
    assert live is not None
    scene.do(
        lambda s: tool_calls.store_answer(s, live, "tool-new", "book", {}, now=scene.house.now)
    )
    scene.do(lambda s: tool_calls.stored_answer(s, TENANT, LINE, "tool-new"))


@operation
def sweeps_of_calls(scene: Scene) -> None:
    house = scene.house
    old = timedelta(seconds=1)
    checks = scene.do(lambda s: leases.leases_to_check(s, now=house.now, older_than=old, limit=10))
    scene.do(
        lambda s: leases.leases_to_check(
            s, now=house.now, older_than=old, limit=10, after=checks[-1]
        )
    )
    for call_id in ("call-21", "call-2"):
        scene.do(lambda s, c=call_id: leases.close_fence(s, c, now=house.now))  # type: ignore[misc]
        scene.do(lambda s, c=call_id: leases.release_unplaced(s, c, now=house.now))  # type: ignore[misc]
    campaign = house.launch(1, "swept", first=_NEW + 60)
    call_id = house.claim_one(campaign).call_id
    scene.do(lambda s: leases.close_fence(s, call_id, now=house.now))
    scene.do(lambda s: leases.release_unplaced(s, call_id, now=house.now))
    for without in ([], [3]):
        scene.do(
            lambda s, w=without: events.unsignalled_events(  # type: ignore[misc]
                s, before=house.now, limit=10, without=w
            )
        )


@operation
def suppression_of_numbers(scene: Scene) -> None:
    numbers = [phone_of(4), phone_of(5), builders.phone(_NEW + 70), "+493012345678"]
    listed = [phone_of(1_000_004)]
    scene.do(
        lambda s: suppressions.suppress_all(
            s, TENANT, numbers + listed, "asked", now=scene.house.now, source="test"
        )
    )
    for tenant in (TENANT, suppressions.EVERY_TENANT):
        scene.do(lambda s, t=tenant: suppressions.calls_before_a_talk(s, t, numbers))  # type: ignore[misc]
    for number in (*numbers, *listed):
        scene.do(lambda s, n=number: suppressions.is_suppressed(s, TENANT, n))  # type: ignore[misc]
        scene.do(lambda s, n=number: suppressions.suppressed_among(s, TENANT, [n]))  # type: ignore[misc]
        since = scene.house.now - timedelta(hours=24)
        scene.do(lambda s, n=number, t=since: earlier_attempts(s, TENANT, [n], t))  # type: ignore[misc]
        scene.do(lambda s, n=number, t=since: earlier_placements(s, [n], t))  # type: ignore[misc]
        scene.do(lambda s, n=number: suppressions.history(s, TENANT, n))  # type: ignore[misc]
        scene.do(lambda s, n=number: suppressions.lift(s, TENANT, n, now=scene.house.now))  # type: ignore[misc]
    scene.do(lambda s: suppressions.list_suppressed(s, TENANT, limit=10))
    scene.do(lambda s: suppressions.list_suppressed(s, TENANT, limit=10, after=phone_of(2)))


@operation
def requests_for_calls(scene: Scene) -> None:
    house, direct = scene.house, scene.history.direct
    for refused in (None, "no zone"):
        new = NewRequest(
            public_id=f"new-{refused}",
            request=builders.request(_NEW + 80),
            phone=builders.phone(_NEW + 80),
            zones=None if refused else builders.zones(),
            agent="agent-1",
            origin="v1",
            refused=refused,
        )
        scene.do(lambda s, n=new: requests.create_request(s, direct, n, now=house.now))  # type: ignore[misc]
    for key in ("of-workflow", "of-workflow", "request-4"):
        person = scene.do(
            lambda s, k=key: requests.enroll_request(  # type: ignore[misc]
                s,
                direct.id,
                builders.request(_NEW + 81),
                phone=builders.phone(_NEW + 81),
                zones=builders.zones(),
                request_key=k,
                requester_workflow_id=campaign_workflow_id(TENANT, "x"),
                now=house.now,
            )
        )
    scene.do(lambda s: requests.find_request(s, direct.id, NOBODY))
    house.later(minutes=1)
    scene.do(lambda s: requests.unclaimed(s, before=house.now))
    _live(scene, direct, CallStatus.NO_ANSWER, timedelta(0))
    scene.do(lambda s: requests.with_people_ready(s, after=0, limit=10))
    for one in (person, scene.history.direct_recipient, scene.history.recipient, 3):
        scene.do(lambda s, p=one: withdraw_recipient(s, p, now=house.now))  # type: ignore[misc]
    scene.do(lambda s: requests.unsignalled_requesters(s, after=0, limit=10))
    scene.do(lambda s: requests.mark_requesters_signalled(s, [person, FIRST + 4]))
    call_id = house.claim_one(direct).call_id
    house.fence(call_id)
    view = scene.do(lambda s: calls.get_call(s, call_id))
    assert view is not None
    scene.do(lambda s: withdraw_recipient(s, view.recipient_id, now=house.now))


@operation
def numbers_withdrawn(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    for number in (phone_of(7), phone_of(900_000)):
        candidates, _ = scene.do(lambda s, n=number: find_number(s, big, n, step=50))  # type: ignore[misc]
        scene.do(lambda s, n=number, f=candidates: withdraw_number(s, big.id, n, f, now=house.now))  # type: ignore[misc]


@operation
def fences_that_wait_or_refuse(scene: Scene) -> None:
    house = scene.house
    house.line("slow", per_second=1)
    campaign = house.launch(4, "slow", line="slow", first=_NEW + 90)
    claimed = house.claim(campaign).calls
    for one in claimed[:3]:
        house.fence(one.call_id)
    house.set_state(campaign, CampaignState.PAUSED)
    house.fence(claimed[3].call_id)
    other = house.launch(2, "slow-too", line="slow", first=_NEW + 95)
    house.claim(other)


@operation
def campaigns_that_share_a_full_line(scene: Scene) -> None:
    house = scene.house
    house.line("narrow", most=1)
    first = house.launch(2, "narrow", line="narrow", first=_NEW + 100)
    second = house.launch(2, "narrow-too", line="narrow", first=_NEW + 105)
    call_id = house.claim_one(first).call_id
    for one in (second, first, second):
        house.claim(one)
    house.place(call_id)
    house.end(call_id)
    for one in (first, second, first, second, scene.history.direct):
        house.later(seconds=10)
        house.claim(one, limit=1)
