"""Requests and campaigns' calls in one list, on both databases."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from outdial.domain.call.request import CallFilter, CallView, until_settled
from outdial.domain.call.status import CallStatus
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.call import calls as call_views
from outdial.store.call import requests, settlement
from outdial.store.call.requests import NewRequest, enroll_request
from outdial.store.campaign import campaigns
from outdial.store.roster import roster
from tests.builders import NOW, House, phone, request, zones

pytestmark = pytest.mark.both_databases

EVERYTHING = CallFilter()


def ask(house: House, number: int, *, at: datetime = NOW, refused: str | None = None) -> str:
    new = NewRequest(
        public_id=str(uuid.uuid4()),
        request=request(number),
        phone=phone(number),
        zones=zones(),
        agent=f"agent-{number % 2}",
        origin="v1",
        refused=refused,
    )
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=NOW))
    house.write(lambda s: requests.create_request(s, direct, new, now=at))
    return new.public_id


def listed(house: House, chosen: CallFilter = EVERYTHING, limit: int = 100) -> list[CallView]:
    return house.write(lambda s: call_views.list_views(s, DEFAULT_TENANT, chosen, limit=limit))


def test_a_request_follows_its_attempts(house: House) -> None:
    request_id = ask(house, 0)
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=NOW))

    def status() -> CallStatus:
        view = house.write(lambda s: call_views.get_view(s, DEFAULT_TENANT, request_id))
        assert view is not None
        chosen = CallFilter(statuses=(view.status,))
        assert [one.id for one in listed(house, chosen)] == [request_id]
        return view.status

    assert status() is CallStatus.QUEUED
    call = house.claim_one(direct)
    house.place(call.call_id)
    assert status() is CallStatus.QUEUED
    house.end(call.call_id, CallStatus.BUSY)
    assert status() is CallStatus.BUSY


def test_a_call_whose_analysis_is_awaited_is_in_progress_where_that_is_asked_for(
    house: House,
) -> None:
    request_id = ask(house, 0)
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=NOW))
    call = house.claim_one(direct)
    house.place(call.call_id)
    wait = timedelta(seconds=30)
    house.end(call.call_id, analysis_wait=wait)
    for now, expected in (
        (None, CallStatus.COMPLETED),
        (NOW, CallStatus.IN_PROGRESS),
        (NOW + wait, CallStatus.COMPLETED),
    ):
        chosen = CallFilter(statuses=(expected,), settled_by=now)
        (view,) = listed(house, chosen)
        shown = view if now is None else until_settled(view, now)
        assert (shown.id, shown.status, shown.done) == (request_id, expected, False)
    house.write(lambda s: settlement.settle_call(s, call.call_id, now=NOW))
    (view,) = listed(house, CallFilter(statuses=(CallStatus.COMPLETED,), settled_by=NOW))
    assert until_settled(view, NOW) == view


def test_who_was_refused_has_failed_without_a_call(house: House) -> None:
    request_id = ask(house, 0, refused="not a number")
    view = house.write(lambda s: call_views.get_view(s, DEFAULT_TENANT, request_id))
    assert view is not None
    assert (view.status, view.outcome, view.reason, view.done) == (
        CallStatus.FAILED,
        "refused",
        "not a number",
        True,
    )
    assert [one.id for one in listed(house, CallFilter(statuses=(CallStatus.FAILED,)))] == [
        request_id
    ]


def test_pages_cover_both_kinds(house: House) -> None:
    request_ids = [ask(house, n, at=NOW + timedelta(seconds=n)) for n in range(3)]
    campaign = house.launch(2, first=10)
    house.now = NOW + timedelta(seconds=1)
    called = [call.call_id for call in house.claim(campaign).calls]
    everything = [view.id for view in listed(house)]
    assert sorted(everything) == sorted(request_ids + called)
    on_pages: list[str] = []
    after: tuple[datetime, str] | None = None
    while True:
        page = house.write(
            lambda s, after=after: call_views.list_views(  # type: ignore[misc]
                s, DEFAULT_TENANT, EVERYTHING, limit=2, after=after
            )
        )
        if not page:
            break
        on_pages += [view.id for view in page]
        after = page[-1].created_at, page[-1].id
    assert on_pages == everything
    for up_to, count in ((9, 5), (4, 4)):
        counted = house.write(
            lambda s, up_to=up_to: call_views.count_views(  # type: ignore[misc]
                s, DEFAULT_TENANT, EVERYTHING, up_to=up_to
            )
        )
        assert counted == count
    assert listed(house, CallFilter(campaign=campaign.name, agent="agent-1"))[0].id in called
    assert house.write(lambda s: call_views.list_views(s, "other", EVERYTHING, limit=9)) == []
    assert house.write(lambda s: call_views.get_view(s, "other", called[0])) is None
    assert house.write(lambda s: call_views.get_view(s, "other", request_ids[0])) is None


def test_statuses_of_the_newest_calls(house: House) -> None:
    campaign = house.launch(1, first=10)
    house.end(house.claim_one(campaign).call_id)
    for n in range(3):
        ask(house, n, at=NOW + timedelta(seconds=1 + n))
    for up_to, statuses in ((9, {"queued": 3, "completed": 1}), (2, {"queued": 2})):
        counted = house.write(
            lambda s, up_to=up_to: call_views.statuses_of_newest(  # type: ignore[misc]
                s, DEFAULT_TENANT, EVERYTHING, up_to=up_to
            )
        )
        assert counted == statuses


def test_many_ask_at_once_and_each_has_its_place(house: House) -> None:
    ask(house, 0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ask(house, n), range(1, 40)))
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=NOW))
    people = house.write(lambda s: roster.list_recipients(s, direct.id, launch=direct.launch))
    assert len({person.position for person in people}) == len(people) == 40
    # Requests of workflows have positions from 0 on, and are listed too.
    house.write(
        lambda s: enroll_request(
            s,
            direct.id,
            request(50),
            phone=phone(50),
            zones=zones(),
            request_key="booking/1",
            requester_workflow_id="booking/1",
            now=NOW + timedelta(seconds=1),
        )
    )
    assert listed(house)[0].origin == "temporal"
    assert len(listed(house)) == 41
