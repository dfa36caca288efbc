"""The samples of Voxpria's Calls API, unchanged but for base URL and key (rows 66 to 70, 72)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.v1.conftest import Customer
from tests.compat.node import run_node
from tests.compat.samples import ours, run_python, run_shell
from tests.compat.voxpria.test_doors import BASE
from tests.webhook_formats.events import SECRET
from tests.webhook_formats.test_vendors import written

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent
THEIRS = "https://app.voxpria.com"
VARIABLES = {"customerName": "John Doe"}


def base_of(us: Customer) -> str:
    return str(us.http.base_url).rstrip("/") + "/compat/voxpria"


async def details(us: Customer, line: str) -> dict[str, Any]:
    """The call whose id a sample has printed."""
    call_id = line.removeprefix("Call ID: ").strip()
    return dict((await us.http.get(f"{BASE}/calls/{call_id}")).json()["data"])


async def curl(us: Customer, sample: str, *more: tuple[str, str]) -> dict[str, Any]:
    key = ("YOUR_API_KEY", us.key.text)
    script = ours(HERE, sample, (THEIRS, base_of(us)), key, *more)
    return dict(json.loads(await run_shell(script)))


async def test_rows_66_to_68_the_samples_for_curl(us: Customer) -> None:
    made = await curl(us, "trigger.sh")
    assert (made["success"], made["data"]["status"]) == (True, "queued")
    call_id = made["data"]["callId"]
    shown = await curl(us, "details.sh", ("call_xyz789", call_id))
    assert (shown["success"], shown["data"]["callId"]) == (True, call_id)
    assert shown["data"]["variables"] == VARIABLES | {"accountNumber": "12345"}
    listed = await curl(us, "list.sh")
    assert (listed["success"], [one["callId"] for one in listed["data"]]) == (True, [call_id])


async def test_row_69_the_sample_for_axios(us: Customer) -> None:
    """CommonJS has no `await` outside of a function, so the sample stands in one."""
    sample = ours(HERE, "trigger_call.js", (THEIRS, base_of(us)))
    without = "console.log((await triggerCall('agent_abc123', '+14155551234')).data.callId);"
    output = await run_node(
        "(async () => {\n" + sample + without + "\n})();", {"VOXPRIA_API_KEY": us.key.text}
    )
    first, second = output.splitlines()
    assert first.startswith("Call ID: ")
    assert (await details(us, first))["variables"] == VARIABLES
    assert (await details(us, second))["variables"] == {}


async def test_row_70_the_sample_for_requests(us: Customer) -> None:
    sample = ours(HERE, "trigger_call.py.txt", (THEIRS, base_of(us)))
    more = (
        "\nprint(trigger_call('agent_abc123', '+14155551234')['data']['callId'])"
        "\nprint('Error:', trigger_call('agent_abc123', 'nobody'))"
    )
    output = await run_python(sample + more, {"VOXPRIA_API_KEY": us.key.text})
    first, second, error = output.splitlines()
    assert first.startswith("Call ID: ")
    assert (await details(us, first))["variables"] == VARIABLES
    assert (await details(us, second))["toNumber"] == "+14155551234"
    assert error.startswith("Error: {'success': False, 'error': ")


VERIFIER = """
const crypto = require('crypto');

function verify(body, signature, secret) {
  const expected = 'sha256=' + crypto
    .createHmac('sha256', secret)
    .update(JSON.stringify(body))
    .digest('hex');
  return crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}

const { raw, signature, secret } = JSON.parse(process.env.DELIVERY);
console.log(verify(JSON.parse(raw), signature, secret));
"""


async def test_row_72_the_sample_verifies_a_webhook() -> None:
    message = written("voxpria", "completed")
    assert message is not None
    delivery = {
        "raw": message.body,
        "signature": message.headers["x-voxpria-signature"],
        "secret": SECRET,
    }
    assert await run_node(VERIFIER, {"DELIVERY": json.dumps(delivery)}) == "true\n"
