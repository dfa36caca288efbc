"""What a rehearsal starts from: earlier calls to its numbers, and those that must not be called."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.call.status import CallStatus
from outdial.services.campaigns.rehearsing import read_before
from outdial.store.call.earlier import earlier_attempts, earlier_placements
from outdial.store.compliance.suppressions import EVERY_TENANT, suppress_all, suppressed_among
from outdial.store.db.tables import EPOCH
from outdial.store.lines.lines import LineLimits, ensure_lines
from tests.builders import House, phone

pytestmark = pytest.mark.both_databases
MANY = [phone(number) for number in range(1, 1201)]
"""More than one step."""


def test_earlier_calls_of_all_campaigns_are_found(house: House) -> None:
    house.line()
    campaigns = [house.launch(1, name, retry={"busy": {"delays": "1m"}}) for name in ("a", "b")]
    times = []
    for campaign in campaigns:
        one = house.claim_one(campaign)
        house.later(seconds=5)
        house.place(one.call_id)
        times.append(house.now)
        house.later(seconds=5)
        house.end(one.call_id, CallStatus.BUSY)
    under_way = house.launch(1, "c", first=1)
    house.place(house.claim_one(under_way).call_id)
    numbers = [*MANY, phone(0)]
    found = house.write(lambda s: earlier_attempts(s, "default", numbers, EPOCH))
    assert found == {phone(0): tuple(times)}, "when they were placed; none that is under way"
    later = house.write(lambda s: earlier_attempts(s, "default", numbers, times[0]))
    assert later == {phone(0): tuple(times[1:])}
    assert house.write(lambda s: earlier_attempts(s, "other", [phone(0)], EPOCH)) == {}


def test_earlier_calls_are_read_as_far_back_as_limits_look(house: House) -> None:
    house.line()
    campaign = house.launch(1)
    one = house.claim_one(campaign)
    house.place(one.call_id)
    at = house.now
    house.end(one.call_id, CallStatus.BUSY)
    start = at + timedelta(days=10)
    for looks_back, found in (
        (None, {phone(0): (at,)}),
        (timedelta(days=10), {phone(0): (at,)}),
        (timedelta(days=8), {}),
        (timedelta(0), {}),
    ):
        before = house.write(
            lambda s, back=looks_back: read_before(s, "default", [phone(0)], start, back)  # type: ignore[misc]
        )
        assert before.attempts == found, looks_back


def test_requests_that_left_are_found_for_a_day(house: House) -> None:
    """Those on the simulated network don't count: nobody's telephone rang."""
    real = LineLimits(name="real", provider="vapi", max_concurrent=5, per_second=5)
    house.line()
    house.write(lambda s: ensure_lines(s, "default", [real]))
    for name, line in (("a", "real"), ("b", "simulated")):
        campaign = house.launch(1, name, first=0 if line == "real" else 1, line=line)
        house.fence(house.claim_one(campaign).call_id)
    placed = house.now
    numbers = [phone(0), phone(1)]
    found = house.write(lambda s: earlier_placements(s, numbers, placed - timedelta(hours=24)))
    assert found == {phone(0): (placed,)}
    assert house.write(lambda s: earlier_placements(s, numbers, placed)) == {}


def test_suppressed_numbers_are_found(house: House) -> None:
    for tenant, number in (("default", 1), (EVERY_TENANT, 1200), ("other", 7)):
        house.write(
            lambda s, t=tenant, n=number: suppress_all(  # type: ignore[misc]
                s, t, [phone(n)], f"asked {n}", now=house.now, source="test"
            )
        )
    found = house.write(lambda s: suppressed_among(s, "default", MANY))
    assert found == {phone(1): "asked 1", phone(1200): "asked 1200"}
