"""Many rows and many values in one statement: the same as one at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlmodel import Session

from outdial.store.db.bulk import NewRows, among, insert_all, load_rows
from outdial.store.db.errors import StatementRefused
from outdial.store.db.tables import EPOCH, call, lease, recipient
from outdial.store.db.tables.columns import json_text
from tests.builders import LINE, House

pytestmark = pytest.mark.both_databases

AWKWARD = ['a "quoted" name', "back\\slash\nand\ttab", "ünïcode ☎ 𝄞", "", "{}", "null"]


def _calls(house: House, people: int) -> list[dict[str, Any]]:
    """Rows as a claim makes them."""
    house.claim(house.launch(people))
    return _kept(house)


def _kept(house: House) -> list[dict[str, Any]]:
    statement = select(call).order_by(call.c.number, call.c.id)
    return house.database.read_sync(
        lambda s: [dict(row) for row in s.connection().execute(statement).mappings()]
    )


def _stored(house: House) -> list[tuple[Any, ...]]:
    """Without the types of the columns: SQLite compares texts of instants."""
    statement = text('SELECT * FROM "call" ORDER BY number, id')
    return house.database.read_sync(
        lambda s: [tuple(row) for row in s.connection().execute(statement)]
    )


def test_rows_are_kept_as_they_are(house: House) -> None:
    """Whatever characters and instants they hold, as a plain insert would keep them."""
    [made] = _calls(house, 1)
    at = datetime(2026, 3, 4, 15, 0, 0, 123, tzinfo=UTC)
    rows = [
        made
        | {"id": f"x{n}", "number": 2 + n, "detail": said, "evidence": {"said": [said, None]}}
        | {"ended_at": at + timedelta(microseconds=n), "is_attempt": bool(n % 2)}
        for n, said in enumerate(AWKWARD)
    ]
    house.write(lambda s: insert_all(s, [NewRows(call, rows)]))
    assert _kept(house)[1:] == rows
    stored = _stored(house)
    house.write(lambda s: s.connection().execute(call.delete().where(call.c.number > 1)))
    house.write(lambda s: s.connection().execute(insert(call), rows))
    assert _kept(house)[1:] == rows
    assert _stored(house) == stored


def test_any_number_of_rows_goes_in(house: House) -> None:
    """Whatever part of them fits into one statement."""
    [made] = _calls(house, 1)
    rows = [made | {"id": f"x{n:03}", "number": 2 + n} for n in range(256 + 64 + 2)]
    house.write(lambda s: insert_all(s, [NewRows(call, rows)]))
    assert _kept(house)[1:] == rows


def test_what_is_the_same_in_all_rows_may_be_sent_once(house: House) -> None:
    [made] = _calls(house, 1)
    at = made["created_at"] + timedelta(microseconds=1)
    same = {"created_at": at, "structured": {"said": AWKWARD}, "is_attempt": True, "detail": None}
    rows = [made | same | {"id": f"x{n}", "number": 2 + n} for n in range(3)]
    house.write(lambda s: insert_all(s, [NewRows(call, rows, frozenset(same))]))
    assert _kept(house)[1:] == rows


@pytest.mark.parametrize("value", [*AWKWARD, "\0", [], [["\0"]], 7, 1.5, True, {"a": {"b": None}}])
def test_json_is_kept_as_it_is(house: House, value: Any) -> None:
    [made] = _calls(house, 1)
    row = made | {"id": "x", "number": 2, "evidence": value}
    house.write(lambda s: insert_all(s, [NewRows(call, [row])]))
    assert _kept(house)[1] == row


def test_tables_and_an_update_in_one(house: House) -> None:
    """A lease refers to the call that comes with it."""
    [made] = _calls(house, 1)
    at = made["created_at"]
    row = made | {"id": "x", "number": 2, "phone": "+12125559999"}
    held = {"call_id": "x", "campaign_id": made["campaign_id"], "tenant": made["tenant"]}
    held |= {"line": LINE, "phone": row["phone"], "acquired_at": at, "expires_at": at}
    moved = update(recipient).where(among(recipient.c.id, "ids")).values(calls=7)
    new = [NewRows(call, [row]), NewRows(lease, [held], frozenset({"acquired_at"}))]
    house.write(lambda s: insert_all(s, new, moved, {"ids": [made["recipient_id"]]}))
    assert _kept(house)[1] == row

    def found(s: Session) -> tuple[Any, Any]:
        kept = s.connection().execute(select(lease).where(lease.c.call_id == "x")).mappings()
        return dict(kept.one()), s.connection().execute(select(recipient.c.calls)).scalar_one()

    assert house.database.read_sync(found) == (held, 7)


def test_columns_that_are_not_named_get_what_the_table_says(house: House) -> None:
    made = _calls(house, 1)[0]
    named = {key: value for key, value in made.items() if value is not None}
    house.write(lambda s: insert_all(s, [NewRows(call, [named | {"id": "x", "number": 2}])]))
    assert _kept(house)[1] == made | {"id": "x", "number": 2}


def test_no_rows_are_no_statement(house: House) -> None:
    house.write(lambda s: insert_all(s, [NewRows(call, [])]))
    assert _kept(house) == []


@pytest.mark.parametrize(("column", "chosen"), [("id", 2), ("recipient_id", 2), ("id", 0)])
def test_among_finds_numbers_and_texts(house: House, column: str, chosen: int) -> None:
    rows = _calls(house, 4)
    wanted = [row[column] for row in rows[:chosen]]

    def found(s: Session) -> set[Any]:
        asked = select(call.c[column]).where(among(call.c[column], "wanted"))
        return set(s.connection().execute(asked, {"wanted": wanted}).scalars())

    assert house.database.read_sync(found) == set(wanted)


def test_loaded_rows_are_kept_as_they_are(house: House) -> None:
    """Thousands of them, whatever they hold, as a plain insert would keep them."""
    campaign = house.launch(0)
    same = {"campaign_id": campaign.id, "launch": 7, "line": AWKWARD[0], "attempts": 0, "calls": 0}
    same |= {"due_at": EPOCH, "turn": 1, "withdrawn": False, "alternate_phones": AWKWARD}
    texts = [AWKWARD[at % len(AWKWARD)] for at in range(10_000)]
    rows = [
        (at, f"+1212{at:07}", json_text({"said": text}), "waiting", text, None)
        for at, text in enumerate(texts)
    ]
    columns = ("position", "phone", "variables", "state", "reason", "outcome")
    house.write(lambda s: load_rows(s, recipient, same, columns, rows))
    query = select(recipient).where(recipient.c.launch == 7).order_by(recipient.c.id)
    kept = house.database.read_sync(lambda s: s.connection().execute(query).mappings().all())
    assert [(row["position"], row["reason"], row["variables"]) for row in kept] == [
        (at, text, {"said": text}) for at, text in enumerate(texts)
    ]
    assert {(row["line"], row["due_at"], row["outcome"]) for row in kept} == {
        (AWKWARD[0], EPOCH, None)
    }
    assert kept[0]["alternate_phones"] == AWKWARD
    assert (kept[0]["promised"], kept[0]["line_marks"]) == (False, {})


def test_a_row_that_is_loaded_twice_is_an_error_of_ours(house: House) -> None:
    campaign = house.launch(1)
    same = {"campaign_id": campaign.id, "launch": 1, "line": LINE, "attempts": 0, "calls": 0}
    same |= {"due_at": EPOCH, "turn": 1, "withdrawn": False, "alternate_phones": []}
    rows = [(0, "+12125550000", "{}", "waiting")]
    columns = ("position", "phone", "variables", "state")
    with pytest.raises(StatementRefused) as refused:
        house.write(lambda s: load_rows(s, recipient, same, columns, rows))
    assert "5550000" not in str(refused.value)
