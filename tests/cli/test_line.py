"""`outdial lines` and `outdial line check`, against a far side that speaks a provider's API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.call import settlement
from outdial.store.db.database import Database
from outdial.store.lines.lines import LineLimits, ensure_lines
from tests.cli.conftest import Outdial
from tests.providers.contract.stage import Stage
from tests.providers.vapi.stage import VapiStage
from tests.providers.voxpria.stage import VoxpriaStage
from tests.services.world import NOW


@pytest.fixture
def far_sides() -> Iterator[dict[str, Stage]]:
    """Run in a thread: a command has an event loop of its own, in this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stages: dict[str, Stage] = {}
    for name, kind in (("vapi", VapiStage), ("voxpria", VoxpriaStage)):

        async def start(kind: type[Stage] = kind) -> Stage:
            return await kind().on_connections().__aenter__()

        stages[name] = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield stages
    for stage in stages.values():
        asyncio.run_coroutine_threadsafe(stage.__aexit__(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def settings(state_dir: Path, far_sides: dict[str, Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for name, stage in far_sides.items():
        given = []
        for key, value in stage.credentials().items():
            monkeypatch.setenv(f"{name}_{key}".upper(), value)
            given.append(f'{key} = "env:{f"{name}_{key}".upper()}"')
        lines.append(
            f'[lines.{name}]\nprovider = "{name}"\nbase_url = "{stage.line().base_url}"\n'
            f"credentials = {{ {', '.join(given)} }}\n"
        )
    lines.append('[lines.broken]\nprovider = "bland"\ncredentials = { webhook_secret = "env:NO" }')
    Path("outdial.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.usefixtures("settings")
def test_a_line_that_can_dial(outdial: Outdial, far_sides: dict[str, Stage]) -> None:
    result = outdial("line", "check", "vapi")
    assert result.exit_code == 0, result.output
    assert f"Vapi at {far_sides['vapi'].base_url}: key accepted" in result.output
    rows = {
        row[: row.index("  ")]: row.split() for row in result.output.splitlines() if "  " in row
    }
    assert "yes" in rows["hangs up"]
    assert "no" in rows["recognizes a repeated request"]
    assert "call.assistantOverrides.metadata.call_id," in rows["returns our call id"]
    assert "10" in rows["calls at once"]
    assert far_sides["vapi"].creates == 0, "nobody was dialed"


@pytest.mark.usefixtures("settings")
def test_what_nobody_ends_is_told(outdial: Outdial) -> None:
    result = outdial("line", "check", "voxpria")
    assert result.exit_code == 0, result.output
    assert (
        "nothing ends a call that goes on; limit its duration in the agent there" in result.output
    )


@pytest.mark.usefixtures("settings")
def test_a_key_that_is_refused(outdial: Outdial, far_sides: dict[str, Stage]) -> None:
    far_sides["vapi"].locked = True
    result = outdial("line", "check", "vapi")
    assert result.exit_code == 1
    assert result.stderr == (
        "line vapi: the provider answered 401; check its credentials, base_url and options\n"
    )


@pytest.mark.usefixtures("settings")
def test_a_provider_that_is_down(outdial: Outdial, far_sides: dict[str, Stage]) -> None:
    far_sides["vapi"].outage = True
    result = outdial("line", "check", "vapi")
    assert result.exit_code == 1
    assert "the provider answered 503" in result.stderr


@pytest.mark.usefixtures("settings")
def test_a_line_that_lacks_something(outdial: Outdial) -> None:
    result = outdial("line", "check", "broken")
    assert result.exit_code == 1
    assert result.stderr == (
        "outdial.toml: lines.broken.credentials.webhook_secret: the variable NO is not set\n"
    )
    result = outdial("line", "check", "brokn")
    assert result.exit_code == 1
    assert "known are broken, simulated, vapi, voxpria" in result.stderr


def test_the_simulated_line_while_nothing_runs(outdial: Outdial) -> None:
    """It is there without being configured, and its network runs with a stack."""
    result = outdial("line", "check", "simulated")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].split() == ["simulated", "simulated"]
    assert result.stderr == (
        "line simulated: the simulated network is not running; `outdial up` or `outdial launch` "
        "starts it\n"
    )


def test_no_lines_yet(outdial: Outdial) -> None:
    assert "Nothing has been launched yet" in outdial("lines").output
    assert outdial("lines", "--json").stdout == "[]\n"


def test_lines_say_why_they_take_no_calls(
    outdial: Outdial, call: ClaimedCall, database: Database
) -> None:
    assert outdial("lines").output.splitlines()[1].split()[:7] == [
        "simulated", "simulated", "in", "service", "1", "of", "25",
    ]  # fmt: skip
    touchy = LineLimits(
        name="simulated",
        provider="simulated",
        max_concurrent=25,
        per_second=0.5,
        breaker=BreakerPolicy(min_attempts=1),
    )
    database.write_sync(lambda s: ensure_lines(s, DEFAULT_TENANT, [touchy]))
    end = CallEnd(
        status=CallStatus.FAILED, at=NOW, failure=FailureClass.UNAVAILABLE, detail="answered 503"
    )
    database.write_sync(lambda s: settlement.end_call(s, call.call_id, end, now=NOW))
    shown = outdial("lines").output.splitlines()
    assert shown[1].split() == [
        "simulated",
        "simulated",
        "resting",
        "0",
        "of",
        "25",
        "0.5",
        "tried",
        "now",
    ]
    assert shown[2:] == [
        "simulated is resting: 1 of 1 calls failed within 5m (unavailable: answered 503)",
        "  2026-11-20 15:00:00Z unavailable: answered 503",
    ]
    [line] = json.loads(outdial("lines", "--json").stdout)
    assert (line["name"], line["state"]) == ("simulated", "resting")
    assert line["reason"].startswith("1 of 1 calls failed")
    assert [failure["detail"] for failure in line["failures"]] == ["answered 503"]
