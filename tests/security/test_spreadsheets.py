"""A CSV of ours computes nothing in a spreadsheet, and is read back as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.spreadsheets import escape_cell, unescape_cell
from outdial.intake.contacts.numbers import read_numbers
from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import read_definition
from outdial.services.campaigns.launching import launch_campaign
from tests.api.v1.conftest import Customer
from tests.drafts import read_roster
from tests.services.world import World

FORMULAS = ("=1+1", "+1+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"x\")",
            "  =1", "+12125550143+1", "＝1", "-", "+", "'=1", "''=1")  # fmt: skip
HARMLESS = ("+12125550143", "-5", "+1.5", "12", "", "Ana", "a=b", "'quoted'", "O'Neil", "1-2")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_with_a_formula(text: str) -> None:
    written = escape_cell(text)
    assert written.startswith("'")
    assert unescape_cell(written) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_cells_stay(text: str) -> None:
    assert escape_cell(text) == text
    assert unescape_cell(text) == text


@given(st.text() | st.text(alphabet="'=+-@ \t\r1a"))
def test_reading_takes_away_what_writing_added(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text


async def test_our_own_export_is_read_back(us: Customer, world: World, tmp_path: Path) -> None:
    values = [text for text in (*FORMULAS, *HARMLESS) if text == text.strip() and text]
    people = [{"phone": f"+1212555{100 + n:04}", "note": text} for n, text in enumerate(values)]
    body = {
        "name": "export", "purpose": "informational", "agent": "a", "line": "simulated",
        "recipients": people, "schedule": {"hours": "00:00-24:00"},
    }  # fmt: skip
    launched = await us.http.post("/v1/campaigns", json=body)
    assert launched.status_code == 201, launched.text
    answer = await us.http.get("/v1/campaigns/export/results.csv")
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.text)))
    for cell in (cell for row in rows for cell in row):
        assert escape_cell(cell) == cell or cell.startswith("'")
        assert not cell.startswith(("=", "@", "\t"))
    (tmp_path / "people.csv").write_text(answer.text, newline="")
    definition = tmp_path / "again.yaml"
    definition.write_text(
        "name: again\npurpose: informational\nagent: a\nline: simulated\n"
        "schedule: {hours: 00:00-24:00}\nrecipients: {csv: people.csv}\n"
    )
    loaded = read_definition(definition)
    check_roster(loaded).require_good()
    read = {draft.phone: draft.variables["var_note"] for draft in read_roster(loaded)}
    assert read == {one["phone"]: one["note"] for one in people}
    assert read_numbers(tmp_path / "people.csv").numbers == tuple(one["phone"] for one in people)
    assert (await launch_campaign(world.ctx, loaded)).created
