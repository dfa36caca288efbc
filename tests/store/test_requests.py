from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.status import CallStatus
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord, RecipientState
from outdial.store.call.requests import enroll_request
from outdial.store.campaign import campaigns
from outdial.store.roster import roster, withdrawal
from outdial.store.roster.roster import RecipientResult
from tests.builders import House, phone, request, zones
from tests.store.racing import race


def _direct(house: House) -> CampaignRecord:
    return house.write(lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=house.now))


def _ask(house: House, direct: CampaignRecord, key: str, number: int = 0, **changes: Any) -> int:
    new = request(number, **changes)
    return house.write(
        lambda s: enroll_request(
            s,
            direct.id,
            new,
            phone=new.to,
            zones=zones(),
            request_key=key,
            requester_workflow_id=f"request/{key}",
            now=house.now,
        )
    )


def _result(house: House, recipient_id: int) -> RecipientResult:
    result = house.write(lambda s: roster.recipient_result(s, recipient_id))
    assert result is not None
    return result


@pytest.mark.both_databases
def test_one_key_is_one_request(house: House) -> None:
    direct = _direct(house)
    recipient_ids = race([lambda: _ask(house, direct, "k")] * 8)
    assert len(set(recipient_ids)) == 1
    assert _ask(house, direct, "other") != recipient_ids[0]


def test_a_request_brings_its_own_plan(house: House) -> None:
    house.line("second")
    direct = _direct(house)
    later = house.now + timedelta(hours=2)
    recipient_id = _ask(
        house,
        direct,
        "k",
        line="second",
        not_before=later,
        max_duration="3m",
        caller_id=phone(99),
        variables={"name": "Ada"},
        context={"order": 7},
    )
    claim = house.claim(direct)
    assert (claim.calls, claim.wake_at) == ((), later)
    house.now = later
    (call,) = house.claim(direct).calls
    assert (call.line, call.max_duration) == ("second", timedelta(minutes=3))
    sent = house.request_of(call.call_id)
    assert (sent.agent, sent.caller_id) == ("agent-2", phone(99))
    assert sent.variables == {"name": "Ada"}
    settled = house.end(call.call_id)
    assert (settled.requester_workflow_id, settled.recipient_done) == ("request/k", True)
    assert _result(house, recipient_id).context == {"order": 7}


def test_requests_for_one_number_wait_for_each_other(house: House) -> None:
    direct = _direct(house)
    _ask(house, direct, "a")
    _ask(house, direct, "b")
    claim = house.claim(direct)
    assert len(claim.calls) == 1
    assert claim.wake_at is not None
    house.end(claim.calls[0].call_id)
    house.now = claim.wake_at
    assert len(house.claim(direct).calls) == 1


def test_a_full_line_does_not_hold_up_the_others(house: House) -> None:
    house.line("narrow", most=1)
    direct = _direct(house)
    for i in range(3):
        _ask(house, direct, f"n{i}", i, line="narrow")
    _ask(house, direct, "w", 9)
    claim = house.claim(direct)
    assert sorted(call.line for call in claim.calls) == ["narrow", "simulated"]
    assert claim.reason == "all 1 calls of line narrow in flight"


def test_a_line_that_is_not_configured_is_waited_for(house: House) -> None:
    direct = _direct(house)
    _ask(house, direct, "k", line="unknown")
    house.claim(direct)
    claim = house.claim(direct)
    assert claim.reason == "line unknown is not configured"
    assert claim.wake_at == house.now + timedelta(minutes=1)
    house.line("unknown")
    assert len(house.claim(direct).calls) == 1


def test_a_waiting_request_is_withdrawn_at_once(house: House) -> None:
    direct = _direct(house)
    waiting = _ask(house, direct, "k")
    assert house.write(lambda s: withdrawal.withdraw_recipient(s, waiting, now=house.now)) is None
    result = _result(house, waiting).recipient
    assert (result.state, result.outcome) == (RecipientState.DONE, "canceled")
    assert house.claim(direct).calls == ()


def test_a_request_withdrawn_during_its_call_ends_with_it(house: House) -> None:
    direct = _direct(house)
    called = _ask(house, direct, "k", retry={"busy": {"delays": "1m"}})
    call = house.claim_one(direct)
    live = house.write(lambda s: withdrawal.withdraw_recipient(s, called, now=house.now))
    assert live is not None
    assert live.workflow_id == call.workflow_id
    assert house.fence(call.call_id).reason == "it was withdrawn"
    house.end(call.call_id, CallStatus.BUSY)
    result = _result(house, called).recipient
    assert (result.state, result.outcome, result.reason) == (
        RecipientState.DONE,
        "busy",
        "withdrawn",
    )
    assert house.write(lambda s: withdrawal.withdraw_recipient(s, called, now=house.now)) is None
