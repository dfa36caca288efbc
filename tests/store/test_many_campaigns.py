"""What reads campaigns costs the same for one as for many, and reads a page of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update
from temporalio.client import Client

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord, Progress
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.services.errors import NoSuchCampaign
from outdial.services.operations import reading
from outdial.store.campaign import campaigns, listing
from outdial.store.campaign.progress import progress_of, read_progress
from outdial.store.db.database import Database
from outdial.store.db.tables import campaign as campaign_table
from tests.builders import House, definition

pytestmark = pytest.mark.both_databases
MANY = 50


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            statements.append(statement)

    engine = database._read_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _ctx(house: House) -> Resources:
    return Resources(house.database, cast("Client", None), Lines([]), lambda: house.now)


def _launch(house: House, name: str) -> CampaignRecord:
    return house.write(
        lambda s: campaigns.launch_campaign(
            s, DEFAULT_TENANT, definition(name), "", now=house.now, again=True
        )
    ).record


def _set_state(house: House, record: CampaignRecord, state: CampaignState) -> None:
    changed = update(campaign_table).where(campaign_table.c.id == record.id)
    house.write(lambda s: s.connection().execute(changed.values(state=state.value)))


def test_the_status_of_many_campaigns_takes_as_many_statements_as_that_of_one(
    house: House,
) -> None:
    house.claim(house.launch(2, "first"))
    with counted(house.database) as of_one:
        asyncio.run(reading.progress_of_newest(_ctx(house), MANY + 1))
    for n in range(MANY):
        _launch(house, f"more-{n}")
    with counted(house.database) as of_many:
        figures, more = asyncio.run(reading.progress_of_newest(_ctx(house), MANY + 1))
    assert len(figures) == MANY + 1
    assert not more
    assert len(of_many) == len(of_one) > 2


def test_figures_of_many_are_those_of_each(house: House) -> None:
    records = [house.launch(n + 1, f"c{n}", first=10 * n) for n in range(3)]
    for record in records[:2]:
        house.claim(record, limit=1)
    again = _launch_again(house, records[2])
    present = [*records[:2], again]
    each = [_figures(house, record) for record in present]
    assert house.database.read_sync(lambda s: progress_of(s, present)) == each
    assert [figures.recipients for figures in each] == [1, 2, 0]


def _figures(house: House, record: CampaignRecord) -> Progress:
    return house.database.read_sync(lambda s: read_progress(s, record.id))


def _launch_again(house: House, record: CampaignRecord) -> CampaignRecord:
    _set_state(house, record, CampaignState.FINISHED)
    return _launch(house, record.name)


@pytest.mark.parametrize("size", [1, 2, 200])
def test_open_campaigns_are_listed_first_and_the_newest_of_them(
    house: House, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CAMPAIGNS", size)
    for name, state in zip("abcdefg", [*CampaignState, *CampaignState], strict=False):
        _set_state(house, _launch(house, name), state)
    listed, more = asyncio.run(reading.progress_of_newest(_ctx(house), None))
    names = [figures.campaign for figures in listed]
    by_age = sorted(listed, key=lambda one: one.campaign, reverse=True)
    by_rank = sorted(by_age, key=lambda one: one.state.over)
    assert names == [one.campaign for one in by_rank]
    assert len(names) == 7
    assert not more
    for limit in (1, 3, 6, 7, 8):
        some, more = asyncio.run(reading.progress_of_newest(_ctx(house), limit))
        assert [one.campaign for one in some] == names[:limit]
        assert more is (limit < 7)


def test_a_wrong_name_is_answered_with_few_names(house: House) -> None:
    with pytest.raises(NoSuchCampaign, match="none has been launched yet"):
        asyncio.run(reading.require_campaign(_ctx(house), "x"))
    for n in range(MANY):
        _launch(house, f"spring-{n:02}")
    with counted(house.database) as statements, pytest.raises(NoSuchCampaign) as refused:
        asyncio.run(reading.require_campaign(_ctx(house), "spring-20x"))
    assert str(refused.value) == (
        "there is no campaign 'spring-20x'; beside it in the alphabet are: "
        + ", ".join(f"spring-{n}" for n in range(16, 26))
    )
    assert not any("plan" in statement for statement in statements[1:])


_NAMES = st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=8)


@given(names=_NAMES, name=st.text("abcd", min_size=1, max_size=4), limit=st.integers(1, 9))
def test_names_beside_one_are_the_nearest_in_their_order(
    names: list[str], name: str, limit: int
) -> None:
    beside = listing.choose_beside(
        sorted((each for each in names if each < name), reverse=True)[: limit + 1],
        sorted(each for each in names if each > name)[: limit + 1],
        limit,
    )
    others = sorted(set(names) - {name})
    listed, every = beside
    assert every is (len(others) <= limit)
    assert len(listed) == min(limit, len(others))
    start = others.index(listed[0]) if listed else 0
    assert others[start : start + len(listed)] == listed, "no gap"
