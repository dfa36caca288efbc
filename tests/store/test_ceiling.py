"""The daily ceiling: in any 24 hours no number gets more placements, whatever else allows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.decision.ceiling import DAILY_CEILING, WITHIN, Ceiling
from outdial.domain.decision.decision import Wait
from outdial.domain.record import CampaignRecord
from outdial.store.call import calls, events
from outdial.store.campaign import campaigns
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database
from outdial.store.db.tables import recipient
from outdial.store.lines import lines
from outdial.store.lines.lines import LineLimits
from outdial.store.roster import roster
from outdial.store.roster.explanation import explain_recipients
from tests.builders import NOW, House, definition, draft, event, located, phone
from tests.store.racing import race

REAL = "carrier"


def _line(house: House, tenant: str = "default", provider: str = "twilio") -> None:
    limits = LineLimits(name=REAL, provider=provider, max_concurrent=100, per_second=1000)
    house.write(lambda s: lines.ensure_lines(s, tenant, [limits]))


def _launch(house: House, name: str, tenant: str = "default", **changes: Any) -> CampaignRecord:
    """A campaign for the one number of these tests."""
    new_definition = definition(name, line=REAL, **changes)
    record = house.write(
        lambda s: campaigns.launch_campaign(
            s, tenant, new_definition, "", now=house.now, again=True
        )
    ).record
    rows = located([draft(0)])
    house.write(lambda s: roster.enroll_chunk(s, record.id, record.launch, 0, rows))
    house.write(lambda s: roster.mark_enrolled(s, record.id, record.launch))
    return record


def _claim(house: House, record: CampaignRecord, key: str) -> str | None:
    claim = house.write(lambda s: claim_calls(s, record.id, key, now=house.now).claim)
    return claim.calls[0].call_id if claim.calls else None


def _call(house: House, name: str, tenant: str = "default") -> bool:
    """Whether a call of a campaign of its own leaves; it ends as busy."""
    call_id = _claim(house, _launch(house, name, tenant), name)
    if call_id is None:
        return False
    if house.fence(call_id).verdict is not FenceVerdict.GO:
        return False
    house.write(lambda s: events.record_placed(s, call_id, f"p-{call_id}", now=house.now))
    house.end(call_id, CallStatus.BUSY)
    return True


def test_beyond_it_the_person_waits_with_that_reason(house: House) -> None:
    _line(house)
    for n in range(DAILY_CEILING):
        assert _call(house, f"campaign-{n}")
        house.later(hours=1)
    record = _launch(house, "one-more")
    claim = house.write(lambda s: claim_calls(s, record.id, "a", now=house.now).claim)
    assert not claim.calls
    assert claim.wake_at == NOW + WITHIN, "until the first of them is a day ago, and no sooner"
    row = house.write(
        lambda s: (
            s.connection()
            .execute(
                select(recipient.c.state, recipient.c.reason).where(
                    recipient.c.campaign_id == record.id
                )
            )
            .one()
        )
    )
    assert row.state == "waiting"
    assert "the ceiling of this installation is 5" in row.reason
    (explanation,) = house.write(lambda s: explain_recipients(s, record, phone(0), house.now))
    assert isinstance(explanation.decision, Wait)
    assert explanation.decision.reason.code == "daily_ceiling"
    house.now = NOW + WITHIN
    assert _claim(house, record, "b") is not None


def test_it_counts_over_all_tenants(house: House) -> None:
    for tenant in ("default", "second", "third"):
        _line(house, tenant)
    left = [
        _call(house, f"campaign-{n}", ("default", "second", "third")[n % 3])
        for n in range(DAILY_CEILING + 3)
    ]
    assert left == [True] * DAILY_CEILING + [False] * 3


@pytest.mark.both_databases
def test_fences_of_two_tenants_at_once_let_one_pass(house: House) -> None:
    tenants = ("default", "second", "third")
    for tenant in tenants:
        _line(house, tenant)
    for n in range(DAILY_CEILING - 1):
        assert _call(house, f"campaign-{n}")
    claimed = [
        _claim(house, _launch(house, f"last-{tenant}", tenant), f"last-{tenant}")
        for tenant in tenants
    ]
    assert None not in claimed, "each tenant's claim saw room for one more"

    def fence(call_id: str) -> Callable[[], FenceVerdict]:
        return lambda: house.fence(call_id).verdict

    verdicts = race([fence(call_id) for call_id in claimed if call_id is not None])
    assert verdicts.count(FenceVerdict.GO) == 1
    assert verdicts.count(FenceVerdict.WITHDRAWN) == 2


def test_who_is_refused_at_the_fence_is_not_claimed_again_and_again(house: House) -> None:
    _line(house)
    _line(house, "second")
    for n in range(DAILY_CEILING - 1):
        assert _call(house, f"campaign-{n}")
    record = _launch(house, "mine")
    call_id = _claim(house, record, "first")
    assert call_id is not None
    assert _call(house, "theirs", "second")
    assert house.fence(call_id).verdict is FenceVerdict.WITHDRAWN
    house.end(call_id, CallStatus.CANCELED, may_have_rung=False)
    claims = 0
    for n in range(60):
        house.later(seconds=5)
        claims += _claim(house, record, f"again-{n}") is not None
    assert claims == 0


@pytest.mark.parametrize("answered", [True, False])
def test_a_request_of_which_nothing_was_dialed_counts_only_where_its_answer_did_not_say_so(
    house: House, answered: bool
) -> None:
    _line(house)
    for n in range(DAILY_CEILING):
        call_id = _claim(house, _launch(house, f"campaign-{n}"), f"c-{n}")
        assert call_id is not None
        assert house.fence(call_id).verdict is FenceVerdict.GO
        house.write(
            lambda s, call_id=call_id: calls.record_not_placed(  # type: ignore[misc]
                s,
                call_id,
                failure=FailureClass.UNAVAILABLE,
                detail=None,
                now=house.now,
                answered=answered,
            )
        )
        house.end(call_id, CallStatus.FAILED, may_have_rung=False)
    assert _call(house, "one-more") is answered


def test_one_that_is_reported_after_all_counts(house: House) -> None:
    _line(house)
    for n in range(DAILY_CEILING - 1):
        assert _call(house, f"campaign-{n}")
    call_id = _claim(house, _launch(house, "refused"), "refused")
    assert call_id is not None
    house.fence(call_id)
    house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail=None, now=house.now
        )
    )
    house.end(call_id, CallStatus.FAILED, may_have_rung=False)
    late = event("late", call_id=call_id, provider_call_id="p-late", status="no_answer")
    house.write(lambda s: events.store_events(s, REAL, [late], now=house.now))
    assert not _call(house, "one-more")


def test_lines_of_the_simulated_network_are_exempt(house: House) -> None:
    _line(house, provider="simulated")
    assert all(_call(house, f"campaign-{n}") for n in range(DAILY_CEILING + 2))
    # Nor do they count for a real line.
    _line(house, "second")
    assert _call(house, "for-real", "second")


def test_a_real_number_that_reached_it_can_be_called_on_the_simulated_network(house: House) -> None:
    _line(house, "second")
    _line(house, provider="simulated")
    for n in range(DAILY_CEILING):
        assert _call(house, f"campaign-{n}", "second")
    assert not _call(house, "real", "second")
    assert _call(house, "demo")


def test_it_can_be_set_and_turned_off(url: str, house: House) -> None:
    _line(house)
    for ceiling, left in ((2, [True, True, False]), (0, [True] * 8)):
        database = Database(url, daily_ceiling=ceiling)
        try:
            other = House(database)
            other.now = house.now = house.now + timedelta(days=2)
            assert [_call(other, f"of-{ceiling}-{n}") for n in range(len(left))] == left
        finally:
            database.dispose()


def test_in_any_24_hours_there_are_no_more(house: House) -> None:
    """Over three days, with a caller who never tires."""
    _line(house)
    left: list[datetime] = []
    for n in range(3 * 24):
        if _call(house, f"campaign-{n}"):
            left.append(house.now)
        house.later(hours=1)
    assert len(left) == 3 * DAILY_CEILING
    for first, beyond in zip(left, left[DAILY_CEILING:], strict=False):
        assert beyond - first >= WITHIN


def test_the_next_instant_is_when_one_of_them_is_a_day_ago() -> None:
    hours = tuple(NOW + timedelta(hours=n) for n in range(3))
    assert Ceiling(3, hours).free_at(NOW) == hours[0] + WITHIN
    assert Ceiling(2, hours).free_at(NOW) == hours[1] + WITHIN
    assert Ceiling(4, hours).free_at(NOW) == NOW
