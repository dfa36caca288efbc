"""A provider that refuses, fails, hangs and loses answers: nobody is dialed twice for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.invariants import Aftermath
from tests.faults.scenario import run

FAULTS: dict[str, Any] = {
    "routes": {
        "create": {
            "throttle": 0.1,
            "refuse": 0.1,
            "fail_after": 0.1,
            "drop_request": 0.05,
            "drop_response": 0.05,
            "hang": 0.05,
            "garble": 0.05,
        },
        "get": {"throttle": 0.1, "drop_response": 0.1, "fail_after": 0.1},
        "list": {"throttle": 0.1, "drop_response": 0.1, "fail_after": 0.1},
    },
    "retry_after_s": 1.0,
}


@pytest.mark.faults
async def test_every_row_is_dialed_at_most_once(tmp_path: Path, undisturbed: Aftermath) -> None:
    """No fault of a request counts as an attempt unless the phone rang, so everybody ends as
    they would have anyway."""
    aftermath = await run(tmp_path, FAULTS)
    assert set(aftermath.stats["faults"]) >= set(FAULTS["routes"]["create"])
    assert aftermath.stats["creates"] > aftermath.stats["accepted"]
    assert aftermath.finals() == undisturbed.finals()
