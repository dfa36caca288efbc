"""The operator log: one chain for each tenant, and what a change to any entry shows."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlmodel import Session

from outdial.domain.hash_links import FIRST
from outdial.domain.operator import (
    Action,
    Operation,
    Operator,
    StoredEntry,
    check_entries,
)
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.compliance.operator_log import list_entries, note_operation, read_log
from outdial.store.db.tables import operator_log
from tests.builders import House
from tests.databases import empty
from tests.store.racing import race

ANA = Operator(door="cli", author="user ana")
PAUSE = Operation(Action.PAUSE, "campaign/spring", "storm")
TENANTS = (DEFAULT_TENANT, "other")
SUBJECTS = ("campaign/spring", "campaign/fall", "suppressions")


def note(house: House, operation: Operation = PAUSE, tenant: str = DEFAULT_TENANT) -> None:
    house.write(lambda s: note_operation(s, tenant, ANA, operation, now=house.now))


def entries(house: House, tenant: str = DEFAULT_TENANT) -> list[StoredEntry]:
    return house.write(lambda s: list(read_log(s, tenant)))


def test_an_entry_says_who_did_what_when_and_why(house: House) -> None:
    key = Operator(door="v1", author="key reports", key_id="1f3c")
    operation = Operation(Action.BLOCK, "place/US-LA", "storm", {"until": "2030-01-01"})
    house.write(lambda s: note_operation(s, DEFAULT_TENANT, key, operation, now=house.now))
    (entry,) = (stored.read() for stored in entries(house))
    assert entry.model_dump(mode="json") == {
        "sequence": 1,
        "at": "2026-03-04T15:00:00Z",
        "door": "v1",
        "author": "key reports",
        "key_id": "1f3c",
        "action": "block",
        "subject": "place/US-LA",
        "reason": "storm",
        "details": {"until": "2030-01-01"},
    }


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    noted=st.lists(st.tuples(st.sampled_from(TENANTS), st.sampled_from(SUBJECTS)), max_size=12),
    limit=st.integers(1, 5),
)
def test_pages_of_any_size_are_all_entries_newest_first(
    house: House, noted: list[tuple[str, str]], limit: int
) -> None:
    empty(house.database)
    expected: dict[str, list[str]] = defaultdict(list)
    for tenant, subject in noted:
        note(house, Operation(Action.PAUSE, subject), tenant)
        expected[tenant].append(subject)
    for tenant in TENANTS:
        _, count, faults = check_entries(entries(house, tenant))
        assert (count, faults) == (len(expected[tenant]), [])
        assert pages(house, tenant, None, limit) == expected[tenant][::-1]
        for subject in SUBJECTS:
            mine = [each for each in expected[tenant] if each == subject]
            assert pages(house, tenant, subject, limit) == mine


def pages(house: House, tenant: str, subject: str | None, limit: int) -> list[str]:
    shown: list[str] = []
    before: int | None = None
    while True:
        page = house.write(
            lambda s, before=before: list_entries(  # type: ignore[misc]
                s, tenant, limit=limit, before=before, subject=subject
            )
        )
        shown += [entry.subject for entry in page]
        if len(page) < limit:
            return shown
        before = page[-1].sequence


def test_what_is_not_committed_leaves_no_entry(house: House) -> None:
    def work(s: Session) -> None:
        note_operation(s, DEFAULT_TENANT, ANA, PAUSE, now=house.now)
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        house.write(work)
    assert entries(house) == []


@pytest.mark.both_databases
def test_operations_at_once_are_one_chain(house: House) -> None:
    race([lambda: note(house) for _ in range(12)])
    _, count, faults = check_entries(entries(house))
    assert (count, faults) == (12, [])


def test_a_changed_entry_shows(house: House) -> None:
    for _ in range(4):
        note(house)
    second = entries(house)[1]
    of_second = operator_log.c.sequence == 2
    for forged, problems in (
        ({"body": second.body.replace("ana", "eve")}, ["its content or the entry before it was"]),
        ({"body": second.body, "subject": "campaign/fall"}, ["it names another tenant or subject"]),
    ):
        change = update(operator_log).where(of_second).values(forged)
        house.write(lambda s, change=change: s.connection().execute(change))  # type: ignore[misc]
        _, _, faults = check_entries(entries(house))
        assert [fault.sequence for fault in faults] == [2]
        assert all(f.problem.startswith(p) for f, p in zip(faults, problems, strict=True))


def test_a_removed_entry_shows_and_a_removed_end_beside_a_kept_head(house: House) -> None:
    for _ in range(4):
        note(house)
    kept, _, _ = check_entries(entries(house))
    assert kept != FIRST
    house.write(
        lambda s: s.connection().execute(delete(operator_log).where(operator_log.c.sequence == 2))
    )
    _, _, faults = check_entries(entries(house))
    assert [fault.problem for fault in faults] == [
        "entries 2 to 2 are gone",
        "its content or the entry before it was changed",
    ]
    house.write(
        lambda s: s.connection().execute(delete(operator_log).where(operator_log.c.sequence > 1))
    )
    head, count, faults = check_entries(entries(house))
    assert (count, faults) == (1, [])
    assert head != kept
