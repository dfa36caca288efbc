"""`outdial doctor`, against installations that are broken in one thing each: it names that thing,
and what to do about it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.responses import Response
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.testing import WorkflowEnvironment

from outdial.runtime.clock import system_clock
from outdial.runtime.doctor.examination import examine
from outdial.runtime.doctor.finding import Finding, Level
from outdial.runtime.doctor.host import check_disks
from tests.databases import migrated
from tests.providers.vapi.stage import VapiStage
from tests.serving import listening

Environ = dict[str, str]


@pytest.fixture
def environ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporal_server: WorkflowEnvironment
) -> Iterator[Environ]:
    """An installation with a database and Temporal, and neither lines nor workers."""
    client = temporal_server.client
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", client.namespace)
    url = f"sqlite:///{tmp_path / 'outdial.db'}"
    with migrated(url):
        yield {"OUTDIAL_DATABASE_URL": url}


async def findings(environ: Mapping[str, str], **options: object) -> dict[str, Finding]:
    """Those that are not all right, by code."""
    every = await examine(environ, **options)  # type: ignore[arg-type]
    assert all(each.remedy for each in every if each.level in (Level.WARNING, Level.PROBLEM))
    return {each.code: each for each in every if each.level is not Level.OK}


async def test_a_misspelt_setting() -> None:
    (finding,) = (await findings({"OUTDIAL_DATABSE_URL": "x"})).values()
    assert finding.code == "settings_invalid"
    assert "did you mean OUTDIAL_DATABASE_URL?" in finding.text
    assert finding.remedy == "correct OUTDIAL_DATABSE_URL"


async def test_a_database_that_is_down(environ: Environ) -> None:
    url = "postgresql://outdial:secret-word@127.0.0.1:1/calls"
    finding = (await findings(environ | {"OUTDIAL_DATABASE_URL": url}))["database_unreachable"]
    assert finding.text.startswith("PostgreSQL at 127.0.0.1/calls cannot be used: ")
    assert "refused" in finding.text
    assert finding.remedy == "start the database, or correct OUTDIAL_DATABASE_URL"
    assert "secret-word" not in json.dumps([finding.text, finding.remedy])


async def test_a_database_file_that_is_not_there(environ: Environ, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.db"
    url = {"OUTDIAL_DATABASE_URL": f"sqlite:///{missing}"}
    finding = (await findings(environ | url))["database_missing"]
    assert "outdial migrate" in str(finding.remedy)
    assert not missing.exists(), "nothing is created by looking"


async def test_a_file_that_is_no_database(environ: Environ, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"no database at all" * 100)
    url = {"OUTDIAL_DATABASE_URL": f"sqlite:///{other}"}
    finding = (await findings(environ | url))["database_unreachable"]
    assert "file is not a database" in finding.text
    assert finding.remedy == "restore the file from a backup"


@pytest.mark.parametrize(
    ("revision", "code", "remedy"),
    [
        ("0030", "schema_outdated", "run `outdial migrate`"),
        ("9999", "schema_newer", "upgrade Outdial here to the version that migrated the database"),
        (None, "schema_outdated", "run `outdial migrate`"),
    ],
)
async def test_a_schema_of_another_version(
    environ: Environ, tmp_path: Path, revision: str | None, code: str, remedy: str
) -> None:
    with sqlite3.connect(tmp_path / "outdial.db") as connection:
        connection.execute("DELETE FROM alembic_version")
        if revision is not None:
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    connection.close()
    finding = (await findings(environ))[code]
    assert (revision or "has no tables") in finding.text
    assert finding.remedy == remedy


async def test_a_temporal_that_is_down(environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    finding = (await findings(environ))["temporal_unreachable"]
    assert finding.text == "no Temporal server answers at 127.0.0.1:1"
    assert finding.remedy == "start it, or correct TEMPORAL_ADDRESS"


async def test_a_namespace_that_does_not_exist(
    environ: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    finding = (await findings(environ))["namespace_missing"]
    assert "no namespace nowhere" in finding.text
    assert "temporal operator namespace create --namespace nowhere" in str(finding.remedy)


async def test_a_namespace_that_was_never_set_up(
    environ: Environ, monkeypatch: pytest.MonkeyPatch, temporal_server: WorkflowEnvironment
) -> None:
    await temporal_server.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace="doctor-bare",
            workflow_execution_retention_period=Duration(seconds=86_400),
        )
    )
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "doctor-bare")
    bare = await findings(environ)
    attributes = bare["search_attributes_missing"]
    assert "Attempt, CallStatus, Campaign, Line, Outcome" in attributes.text
    assert attributes.remedy == "run `outdial setup`"
    assert "outdial setup" in str(bare["sweeps_missing"].remedy)


async def test_no_worker(environ: Environ) -> None:
    finding = (await findings(environ))["no_workers"]
    assert finding.text == "no worker polls the task queues, so no campaign goes on"
    assert "python worker.py" in str(finding.remedy)


async def test_clocks_that_differ(environ: Environ) -> None:
    def wrong() -> datetime:
        return system_clock() + timedelta(minutes=10)

    finding = (await findings(environ, clock=wrong))["temporal_clock_skew"]
    assert "600 s ahead of Temporal's" in finding.text
    right = await examine(environ)
    assert [each.level for each in right if each.check == "Temporal's clock"] == [Level.OK]


async def test_no_line_and_no_public_url(environ: Environ) -> None:
    several = await findings(environ)
    assert "[lines.NAME]" in str(several["no_lines"].remedy)
    assert "OUTDIAL_PUBLIC_URL" in str(several["public_url_missing"].remedy)


@pytest_asyncio.fixture(loop_scope="session")
async def far_side() -> AsyncIterator[VapiStage]:
    async with VapiStage().on_connections() as stage:
        yield stage


def with_line(environ: Environ, stage: VapiStage) -> Environ:
    line = {"PROVIDER": "vapi", "BASE_URL": str(stage.line().base_url)}
    secrets = {f"MAIN_{key.upper()}": value for key, value in stage.credentials().items()}
    references = {
        f"CREDENTIALS__{key.upper()}": f"env:MAIN_{key.upper()}" for key in stage.credentials()
    }
    named = {f"OUTDIAL_LINES__MAIN__{key}": value for key, value in (line | references).items()}
    return environ | secrets | named


async def test_a_line_that_its_provider_refuses(environ: Environ, far_side: VapiStage) -> None:
    given = with_line(environ, far_side)
    accepted = await examine(given)
    assert [each.level for each in accepted if each.check == "line main"] == [Level.OK]
    far_side.locked = True
    finding = (await findings(given))["line_refused"]
    assert (finding.check, finding.text) == ("line main", "the provider answered 401")
    assert finding.remedy == "check its credentials, base_url and options"
    assert far_side.creates == 0, "nobody was dialed"


async def test_a_line_whose_credential_is_not_set(environ: Environ, far_side: VapiStage) -> None:
    given = with_line(environ, far_side)
    del given["MAIN_API_KEY"]
    finding = (await findings(given))["line_settings"]
    assert finding.text.endswith("the variable MAIN_API_KEY is not set")


async def test_a_default_line_that_is_not_configured(environ: Environ, far_side: VapiStage) -> None:
    given = with_line(environ, far_side) | {"OUTDIAL_DEFAULT_LINE": "mian"}
    assert "'mian'" in (await findings(given))["unknown_line"].text


@asynccontextmanager
async def answering(text: str) -> AsyncIterator[str]:
    """The URL of a server that answers every health check with a text."""
    app = FastAPI()
    app.add_route("/healthz", lambda _: Response(text))
    async with listening(app) as url:
        yield url


async def test_a_public_url_that_leads_nowhere_or_elsewhere(environ: Environ) -> None:
    nowhere = environ | {"OUTDIAL_PUBLIC_URL": "http://127.0.0.1:1"}
    finding = (await findings(nowhere))["public_url_unreachable"]
    assert "python -m outdial.api" in str(finding.remedy)
    async with answering("welcome to nginx") as url:
        finding = (await findings(environ | {"OUTDIAL_PUBLIC_URL": url}))["public_url_other"]
    assert finding.text == f"{url}/healthz answers 200, and not as our API does"
    async with answering('{"status":"ok"}') as url:
        right = await examine(environ | {"OUTDIAL_PUBLIC_URL": url})
    assert [each.level for each in right if each.check == "public URL"] == [Level.OK]


def test_a_disk_without_room(tmp_path: Path) -> None:
    folders = [("the database", tmp_path / "state")]
    assert [each.level for each in check_disks(folders, least=1, few=1)] == [Level.OK]
    for bounds, code in (({"least": 10**18}, "disk_full"), ({"few": 10**18}, "disk_nearly_full")):
        (finding,) = check_disks(folders, **bounds)
        assert (finding.check, finding.code) == ("disk for the database", code)
        assert "GB free" in finding.text
    file = tmp_path / "file"
    file.touch()
    (finding,) = check_disks([("uploads", file / "below")])
    assert finding.code == "disk_not_writable"


async def test_where_nothing_was_launched_nothing_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    every = await examine({})
    assert {each.level for each in every} <= {Level.OK, Level.SKIPPED}
    assert not (tmp_path / ".outdial").exists()
