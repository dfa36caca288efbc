"""Whatever lines a running campaign is given, and wherever its people are meanwhile, nobody is
left behind on a line that nothing reads any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.rulebook import Block
from outdial.domain.rules.zone import zone_evidence
from outdial.store.call import requests
from outdial.store.campaign import campaigns
from outdial.store.compliance import rulings
from outdial.store.db.tables import lease, recipient
from outdial.store.roster import requeue, roster
from tests.builders import House, definition, draft, located, phone, request

A, B = {"name": "a"}, {"name": "b"}
SPARE_B = {"name": "b", "weight": 0}
RETRY: dict[str, Any] = {
    "max_attempts": 3,
    "no_answer": {"delays": ["10m"]},
    "failed": {"delays": ["10m"]},
}
LINES: dict[str, list[dict[str, Any]]] = {
    "a": [A],
    "b": [B],
    "a then b": [A, B],
    "b then a": [B, A],
    "b stands by": [A, SPARE_B],
}
PLACES = ["waiting", "ready", "calling", "settling", "put back"]


@pytest.fixture(autouse=True)
def _lines(house: House) -> None:
    for name in ("a", "b"):
        house.line(name)


def _apply(house: House, campaign: CampaignRecord, lines: list[dict[str, Any]]) -> None:
    edited = definition(line=lines, retry=RETRY)
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, edited, "", now=house.now))


def _states(house: House, campaign: CampaignRecord) -> set[str]:
    statement = select(recipient.c.state).where(recipient.c.campaign_id == campaign.id)
    return set(house.write(lambda s: s.connection().execute(statement).scalars().all()))


def _until_done(house: House, campaign: CampaignRecord, rounds: int = 12) -> set[str]:
    """Call everybody to the end; the lines that were used."""
    used = set()
    for _ in range(rounds):
        house.later(minutes=15)
        claim = house.claim(campaign)
        for call in claim.calls:
            used.add(call.line)
            house.place(call.call_id)
            house.end(call.call_id)
        if claim.open_recipients == 0:
            break
    assert _states(house, campaign) == {RecipientState.DONE.value}
    return used


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("before", ["a", "b stands by"])
@pytest.mark.parametrize("after", ["b", "a then b", "b then a"])
def test_an_edit_of_lines_leaves_nobody_behind(
    house: House, before: str, after: str, place: str
) -> None:
    campaign = house.launch(2, line=LINES[before], retry=RETRY)
    calls = []
    if place == "ready":
        for name in ("a", "b"):
            house.line(name, most=1)
        house.claim(campaign, limit=1)
        house.claim(campaign)
    elif place != "waiting":
        calls = [call.call_id for call in house.claim(campaign).calls]
        for call_id in calls:
            house.place(call_id)
    if place in ("settling", "put back"):
        wait = timedelta(seconds=30) if place == "settling" else timedelta(0)
        for call_id in calls:
            house.end(call_id, CallStatus.NO_ANSWER, analysis_wait=wait)
    _apply(house, campaign, LINES[after])
    if place == "calling":
        for call_id in calls:
            house.end(call_id, CallStatus.NO_ANSWER)
    if place == "ready":
        for call in house.claim(campaign).calls:
            house.end(call.call_id)
        for call_id in _live(house):
            house.end(call_id)
    assert _until_done(house, campaign) <= {share["name"] for share in LINES[after]}


def _live(house: House) -> list[str]:
    return list(house.write(lambda s: s.connection().execute(select(lease.c.call_id)).scalars()))


@pytest.mark.parametrize("left", ["a", "b"])
def test_whoever_every_line_that_is_left_rejects_is_ended(house: House, left: str) -> None:
    campaign = house.launch(1, line=LINES["b stands by"], retry=RETRY)
    first = house.claim_one(campaign)
    house.end(first.call_id, CallStatus.FAILED, failure="rejected", may_have_rung=False)
    assert first.line == "a"
    _apply(house, campaign, LINES[left])
    claim = house.claim(campaign)
    assert [call.line for call in claim.calls] == ([] if left == "a" else ["b"])
    if left == "a":
        assert claim.open_recipients == 0
        assert _states(house, campaign) == {RecipientState.DONE.value}


def test_another_number_of_whom_the_lines_reject_is_called(house: House) -> None:
    campaign = house.launch(0, line=LINES["b stands by"], retry=RETRY)
    rows = located([draft(0, alternate_phones=(phone(7),))])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 0, rows))
    first = house.claim_one(campaign)
    house.end(first.call_id, CallStatus.FAILED, failure=FailureClass.REJECTED, may_have_rung=False)
    _apply(house, campaign, LINES["a"])
    calls = house.claim(campaign).calls or house.claim(campaign).calls
    assert [(call.line, call.masked[-4:]) for call in calls] == [("a", "0007")]


@pytest.mark.parametrize("many", [1, 7])
@pytest.mark.parametrize("change", ["unblock", "block ends sooner"])
def test_requests_are_decided_anew_however_they_came(
    house: House, monkeypatch: pytest.MonkeyPatch, many: int, change: str
) -> None:
    """Those that came over HTTP have negative positions."""
    monkeypatch.setattr(requeue.requeue_some, "__defaults__", (requeue.FROM_THE_START, 2))
    direct = house.write(lambda s: campaigns.ensure_direct_campaign(s, "default", now=house.now))

    def block(days: float) -> None:
        until = house.now + timedelta(days=days)
        storm = Block(jurisdiction="US", until=until, reason="storm")
        house.write(lambda s: rulings.block(s, "default", storm, now=house.now))

    def ask(number: int) -> None:
        new = requests.NewRequest(
            public_id=f"http-{number}",
            request=request(number),
            phone=phone(number),
            zones=zone_evidence(phone(number)),
            agent="a",
            origin="api",
        )
        house.write(lambda s: requests.create_request(s, direct, new, now=house.now))
        house.write(
            lambda s: requests.enroll_request(
                s,
                direct.id,
                request(100 + number),
                phone=phone(100 + number),
                zones=zone_evidence(phone(100 + number)),
                request_key=f"wf-{number}",
                requester_workflow_id=None,
                now=house.now,
            )
        )

    house.line()
    block(days=7)
    for number in range(many):
        ask(number)
    assert house.claim(direct).calls == ()
    house.later(hours=1)
    if change == "unblock":
        house.write(lambda s: rulings.unblock(s, "default", "US", now=house.now))
    else:
        block(days=0.0001)
        house.later(minutes=1)
    claimed = 0
    for _ in range(2 * many + 2):
        claimed += len(house.claim(direct).calls)
    assert claimed == 2 * many
