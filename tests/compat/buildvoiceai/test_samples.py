"""The curl of BuildVoiceAI's API reference, unchanged but for base URL and key (row 1)."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from tests.api.v1.conftest import Customer
from tests.compat.samples import ours, run_shell

pytestmark = pytest.mark.faults


async def test_row_1_the_sample_for_curl(us: Customer) -> None:
    base = str(us.http.base_url).rstrip("/") + "/compat/buildvoiceai"
    script = ours(
        Path(__file__).parent,
        "quick_start.sh",
        ("https://app.buildvoiceai.com", base),
        ("your_api_key_here", us.key.text),
    )
    printed = json.loads(await run_shell(script))
    assert (printed["success"], printed["status"]) == (True, "initiated")
    assert str(UUID(printed["call_id"])) == printed["call_id"] == printed["data"]["call_id"]
    (made,) = (await us.http.get("/v1/calls")).json()["items"]
    assert (made["id"], made["to"]) == (printed["call_id"], "+15551234567")
