"""`outdial doctor` beside a stack that works: it finds nothing."""

from __future__ import annotations

import json

from tests.e2e.commands import CommandLine
from tests.e2e.stacks import Stack


async def test_a_stack_that_works(stack: Stack, outdial: CommandLine) -> None:
    result = await outdial("doctor", "--json")
    findings = {each["check"]: each for each in json.loads(result.out)}
    wrong = [each for each in findings.values() if each["level"] != "ok"]
    # What is free on the disks is this machine's.
    assert [each for each in wrong if not each["check"].startswith("disk")] == []
    assert findings.keys() >= {
        "settings", "database", "schema", "clock", "temporal", "namespace", "Temporal's clock",
        "search attributes", "sweeps", "workers", "line simulated", "public URL",
    }  # fmt: skip
