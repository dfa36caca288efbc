from __future__ import annotations

import pytest

from outdial.store.compliance import suppressions
from outdial.store.db.tables import call as call_table
from tests.builders import House, phone
from tests.store.racing import race

pytestmark = pytest.mark.both_databases


def _suppress(house: House, reason: str = "asked") -> int:
    return house.write(
        lambda s: suppressions.suppress_all(
            s, "default", [phone(0)], reason, now=house.now, source="test"
        )
    )


def _why(house: House, tenant: str = "default") -> str | None:
    return house.write(lambda s: suppressions.is_suppressed(s, tenant, phone(0)))


def test_a_number_is_suppressed_until_that_is_lifted(house: House) -> None:
    assert _why(house) is None
    assert _suppress(house)
    assert (_why(house), _why(house, "other")) == ("asked", None)
    assert house.write(lambda s: suppressions.lift(s, "default", phone(0), now=house.now))
    assert _why(house) is None
    assert not house.write(lambda s: suppressions.lift(s, "default", phone(0), now=house.now))


def test_the_first_reason_stays(house: House) -> None:
    assert _suppress(house, "first")
    assert not _suppress(house, "second")
    assert _why(house) == "first"


def test_many_may_suppress_one_number_at_once(house: House) -> None:
    assert sorted(race([lambda: _suppress(house)] * 8)) == [0] * 7 + [1]


def test_the_history_of_a_number_stays(house: House) -> None:
    for reason in ("asked", "asked again"):
        house.write(
            lambda s, r=reason: suppressions.suppress_all(  # type: ignore[misc]
                s, "default", [phone(0)], r, now=house.now, source="test"
            )
        )
        house.later(hours=1)
        house.write(
            lambda s: suppressions.lift(
                s, "default", phone(0), now=house.now, reason="a mistake", source="desk"
            )
        )
    told = house.write(lambda s: suppressions.history(s, "default", phone(0)))
    assert [(one.change, one.reason, one.source) for one in told] == [
        ("listed", "asked", "test"),
        ("lifted", "a mistake", "desk"),
        ("listed", "asked again", "test"),
        ("lifted", "a mistake", "desk"),
    ]


def test_a_number_on_the_list_for_all_is_nobodys_to_call(house: House) -> None:
    campaign = house.launch(2)
    house.write(
        lambda s: suppressions.suppress_all(
            s, suppressions.EVERY_TENANT, [phone(0)], "regulator", now=house.now, source="test"
        )
    )
    assert house.write(lambda s: suppressions.is_suppressed(s, "any", phone(0))) == "regulator"
    assert [call.masked for call in house.claim(campaign).calls] == ["+1212•••0001"]


def test_a_list_is_added_at_once(house: House) -> None:
    numbers = [phone(n) for n in range(1200)]
    for expected in (1200, 0):
        added = house.write(
            lambda s: suppressions.suppress_all(
                s, "default", numbers, "registry", now=house.now, source="file"
            )
        )
        assert added == expected


def test_calls_that_have_not_been_answered_are_found(house: House) -> None:
    campaign = house.launch(3)
    calls = house.claim(campaign).calls
    house.place(calls[1].call_id)
    numbers = [phone(n) for n in range(5)]
    live = house.write(lambda s: suppressions.calls_before_a_talk(s, "default", numbers))
    assert {call.id for call in live} == {call.call_id for call in calls}
    house.write(
        lambda s: s.connection().execute(
            call_table.update()
            .where(call_table.c.id == calls[1].call_id)
            .values(status="in_progress")
        )
    )
    house.end(calls[0].call_id)
    live = house.write(lambda s: suppressions.calls_before_a_talk(s, "*", numbers))
    assert {call.id for call in live} == {calls[2].call_id}
    assert house.write(lambda s: suppressions.calls_before_a_talk(s, "other", numbers)) == []
