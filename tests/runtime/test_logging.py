"""No telephone number leaves a process through its logs."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.contracts.names import (
    SWEEP_SCHEDULE,
    call_workflow_id,
    callback_workflow_id,
    campaign_workflow_id,
    delivery_workflow_id,
    request_workflow_id,
    run_campaign_workflow_id,
    subject_of,
)
from outdial.runtime.log_subject import logging_about
from outdial.runtime.logging import JsonFormatter, MaskingFormatter, mask_phones


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("calling +12025550123 now", "calling +1202•••0123 now"),
        ("GET /v1/calls?to=%2B442079460123", "GET /v1/calls?to=+44207•••0123"),
        ("two: +12025550123,+12025550199", "two: +1202•••0123,+1202•••0199"),
        ("at 2026-11-21T07:00:00+00:00", "at 2026-11-21T07:00:00+00:00"),
        ("id 12025550123456789", "id 12025550123456789"),
    ],
)
def test_numbers_are_masked(text: str, expected: str) -> None:
    assert mask_phones(text) == expected


def test_tracebacks_are_masked_too() -> None:
    try:
        raise ValueError("cannot dial +12025550123")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed for %s", ("+12025550199",),
            (type(error), error, error.__traceback__),
        )  # fmt: skip
    text = MaskingFormatter().format(record)
    assert "0123" in text
    assert "2025550" not in text
    assert text.splitlines()[0].endswith("ERROR   x: failed for +1202•••0199")


TEXTS = st.text(max_size=40) | st.just("calling +12025550123\nnow")


@given(message=TEXTS, logger=TEXTS, campaign=TEXTS, raised=st.booleans())
def test_json_entries_are_one_line_each_and_name_no_number(
    message: str, logger: str, campaign: str, raised: bool
) -> None:
    error = ValueError(message) if raised else None
    details = (ValueError, error, None) if error else None
    record = logging.LogRecord(logger, logging.INFO, __file__, 1, "%s", (message,), details)
    record.campaign = campaign
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "2025550" not in line
    entry = json.loads(line)
    assert (entry["message"], entry["campaign"]) == (mask_phones(message), mask_phones(campaign))
    assert ("error" in entry) is raised


def entry_of(**extra: object) -> dict[str, str]:
    """What is written of one entry, without what every entry has."""
    record = logging.makeLogRecord({"msg": "done", "created": 0.5, **extra})
    entry: dict[str, str] = json.loads(JsonFormatter().format(record))
    return {name: entry[name] for name in entry.keys() - {"time", "level", "logger", "message"}}


def test_what_an_entry_is_about() -> None:
    assert entry_of() == {}
    with logging_about({"tenant": "clinic", "campaign": "spring"}):
        assert entry_of() == {"tenant": "clinic", "campaign": "spring"}
        assert entry_of(call="c1")["call"] == "c1"
    of_workflow = entry_of(temporal_workflow={"workflow_id": "campaign/clinic/fall"})
    assert of_workflow == {
        "tenant": "clinic", "campaign": "fall", "workflow": "campaign/clinic/fall",
    }  # fmt: skip
    assert entry_of() == {}


@pytest.mark.parametrize(
    ("workflow_id", "about"),
    [
        (campaign_workflow_id("t", "c"), {"tenant": "t", "campaign": "c"}),
        (call_workflow_id("t", "c", 1, 2, 3), {"tenant": "t", "campaign": "c"}),
        (run_campaign_workflow_id("t", "c"), {"tenant": "t", "campaign": "c"}),
        (request_workflow_id("t", "k/1"), {"tenant": "t"}),
        (delivery_workflow_id("t", "e"), {"tenant": "t"}),
        (callback_workflow_id("c1", 1), {"call": "c1"}),
        (SWEEP_SCHEDULE, {}),
        ("", {}),
    ],
)
def test_workflows_are_about_what_their_ids_name(workflow_id: str, about: dict[str, str]) -> None:
    assert subject_of(workflow_id) == about
