"""What a cluster needs before the first worker: registered once, repeated without harm."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import ScheduleIntervalSpec
from temporalio.common import SearchAttributeKey
from temporalio.envconfig import ClientConfig
from temporalio.testing import WorkflowEnvironment

from outdial.contracts.names import SWEEP_SCHEDULE
from outdial.contracts.search_attributes import SEARCH_ATTRIBUTES
from outdial.runtime.connection import (
    TemporalMismatch,
    TemporalUnreachable,
    connect_temporal,
    ensure_sweep_schedule,
    register_search_attributes,
)
from outdial.runtime.doctor.temporal import check_sweeps
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.temporal_config import is_configured
from tests.temporal import start_bare


@pytest_asyncio.fixture(loop_scope="session")
async def bare_server() -> AsyncIterator[WorkflowEnvironment]:
    async with await start_bare() as environment:
        yield environment


async def test_a_bare_cluster_is_set_up_once(bare_server: WorkflowEnvironment) -> None:
    client = bare_server.client
    names = sorted(key.name for key in SEARCH_ATTRIBUTES)
    assert await register_search_attributes(client) == names
    assert await register_search_attributes(client) == []

    await ensure_sweep_schedule(client, load_settings({}))
    handle = client.get_schedule_handle(SWEEP_SCHEDULE)
    await handle.pause(note="by an operator")
    await ensure_sweep_schedule(client, load_settings({"OUTDIAL_SWEEP_EVERY": "5s"}))
    described = await handle.describe()
    assert described.schedule.spec.intervals == [ScheduleIntervalSpec(every=timedelta(seconds=5))]
    assert described.schedule.state.paused, "what an operator did stays done"
    paused = await check_sweeps(client)
    assert (paused.code, paused.text) == (
        "sweeps_paused", "the schedule outdial-sweep is paused: by an operator",
    )  # fmt: skip


async def test_a_search_attribute_of_another_type_is_reported(
    bare_server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register_search_attributes(bare_server.client)
    other = (SearchAttributeKey.for_int("Campaign"),)
    monkeypatch.setattr("outdial.runtime.connection.SEARCH_ATTRIBUTES", other)
    with pytest.raises(TemporalMismatch, match=r"Campaign .* is a Keyword; it has to be a Int"):
        await register_search_attributes(bare_server.client)


def test_temporal_is_configured_by_its_own_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "temporal.toml"
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(config))
    settings = load_settings({})
    assert not is_configured(settings)
    config.write_text('[profile.default]\nnamespace = "x"\n', encoding="utf-8")
    assert not is_configured(settings), "a profile without an address names no server"
    config.write_text('[profile.default]\naddress = "temporal:7233"\n', encoding="utf-8")
    assert is_configured(settings)
    config.unlink()
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    assert is_configured(settings)
    assert is_configured(load_settings({"OUTDIAL_TEMPORAL_ADDRESS": "127.0.0.1:1"}))


@pytest.mark.parametrize(
    ("variables", "file"),
    [
        ({"XDG_CONFIG_HOME": "{tmp}/xdg", "HOME": "{tmp}"}, "xdg/temporalio/temporal.toml"),
        ({"XDG_CONFIG_HOME": "xdg", "HOME": "{tmp}"}, ".config/temporalio/temporal.toml"),
        ({"HOME": "{tmp}"}, ".config/temporalio/temporal.toml"),
        ({"HOME": "{tmp}/" + "x" * 300}, None),  # refused by the system, as an unreadable one is
        ({"XDG_CONFIG_HOME": "/" + "x" * 300}, None),
        ({"HOME": ""}, None),
        ({}, None),
    ],
    ids=["xdg", "relative xdg", "home", "bad home", "bad xdg", "empty home", "no home"],
)
def test_the_default_file_is_where_the_sdk_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], file: str | None
) -> None:
    def unknown_user(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown_user)  # a container under a uid of its own
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{tmp}", str(tmp_path)))
    settings = load_settings({})
    assert not is_configured(settings)
    if file is not None:
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text('[profile.default]\naddress = "here:7233"\n')
        assert ClientConfig.load_client_connect_config().get("target_host") == "here:7233"
        assert is_configured(settings)


async def test_a_server_that_is_not_there_is_reported() -> None:
    settings = load_settings({"OUTDIAL_TEMPORAL_ADDRESS": "127.0.0.1:1"})
    with pytest.raises(TemporalUnreachable, match=r"no Temporal server answers at 127\.0\.0\.1:1"):
        await connect_temporal(settings)
