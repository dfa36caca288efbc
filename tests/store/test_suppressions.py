from __future__ import annotations

from store import suppressions
from tests.builders import House, phone
from tests.store.racing import race


def _suppress(house: House, reason: str = "asked") -> bool:
    return house.write(
        lambda s: suppressions.suppress(
            s, "default", phone(0), reason, now=house.now, source="test"
        )
    )


def _why(house: House, tenant: str = "default") -> str | None:
    return house.write(lambda s: suppressions.is_suppressed(s, tenant, phone(0)))


def test_a_number_is_suppressed_until_that_is_lifted(house: House) -> None:
    assert _why(house) is None
    assert _suppress(house)
    assert (_why(house), _why(house, "other")) == ("asked", None)
    assert house.write(lambda s: suppressions.lift(s, "default", phone(0)))
    assert _why(house) is None
    assert not house.write(lambda s: suppressions.lift(s, "default", phone(0)))


def test_the_first_reason_stays(house: House) -> None:
    assert _suppress(house, "first")
    assert not _suppress(house, "second")
    assert _why(house) == "first"


def test_many_may_suppress_one_number_at_once(house: House) -> None:
    assert sorted(race([lambda: _suppress(house)] * 8)) == [False] * 7 + [True]
