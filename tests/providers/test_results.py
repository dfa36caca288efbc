"""What an agent found out, under the names that campaigns know."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.providers.lines import ResultMapping
from tests.builders import event

MAPPING = ResultMapping(
    fields={"appointment_at": "visit.slot.0.start", "disposition": "result.code"},
    dispositions={"CONF": "confirmed", "DNC": "opted_out"},
)


def test_values_and_words_are_found() -> None:
    data = {"visit": {"slot": [{"start": "2030-06-04T10:00"}]}, "result": {"code": " CONF "}}
    read = MAPPING.read(event(structured=data, disposition="success"))
    assert read.disposition == "confirmed"
    assert read.structured == {
        **data,
        "appointment_at": "2030-06-04T10:00",
        "disposition": " CONF ",
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"visit": None},
        {"visit": {"slot": "2030"}},
        {"visit": {"slot": []}},
        {"result": {"code": ["CONF"]}},
        {"result": {"code": {"CONF": 1}}},
        {"result": {"code": ""}},
        {"result": {"code": "x" * 10_000}},
    ],
)
def test_what_is_not_there_or_of_another_shape_changes_nothing(data: dict[str, Any]) -> None:
    read = MAPPING.read(event(structured=data, disposition="DNC"))
    assert read.structured.get("appointment_at") is None
    assert read.disposition in ("DNC", "opted_out")


def test_without_a_mapping_it_stays_as_it_came() -> None:
    report = event(structured={"a": 1}, disposition="booked")
    assert ResultMapping().read(report) is report
