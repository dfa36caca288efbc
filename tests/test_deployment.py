"""The compose file and its helpers: safe as they stand, and in agreement with the code."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from ruamel.yaml import YAML

from outdial.contracts.search_attributes import SEARCH_ATTRIBUTES
from outdial.providers.simulated.http.server import DEFAULT_API_KEY
from outdial.runtime.lines import build_lines, require_serving
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
SECRETS = {
    "POSTGRES_PASSWORD": "0" * 48,
    "OUTDIAL_PUBLIC_URL": "http://api:8000",
    "SIMULATED_API_KEY": "key",
    "SIMULATED_WEBHOOK_SECRET": "whsec_c2VjcmV0LW9mLWEtdGVzdA==",
    "METRICS_TOKEN": "1" * 48,
    "GRAFANA_PASSWORD": "2" * 48,
}
_PREFIXES = ("OUTDIAL_", "TEMPORAL_", "SIMULATED_", "METRICS_")
OURS = ("api", "migrate", "network", "worker")


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services = YAML(typ="safe").load(_read("docker-compose.yml"))["services"]
    assert isinstance(services, dict)
    return services


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(_read("pyproject.toml"))


def _filled_in(value: str) -> str:
    """Interpolate as compose does, refusing to start over a variable that is not set."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: SECRETS[match[1]], value)


# --- the compose file ------------------------------------------------------------------------


def test_images_are_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", service["image"]), name


def test_temporal_is_one_release_without_auto_setup(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values()]
    assert not [image for image in images if "auto-setup" in image]
    releases = {
        image.split(":")[1]
        for image in images
        if image.startswith(("temporalio/server", "temporalio/admin-tools"))
    }
    assert len(releases) == 1


def test_nobody_starts_before_what_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            other = services[needed]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in other, f"{name} waits for the health of {needed}"
            else:
                assert how["condition"] == "service_completed_successfully", name
                assert other["restart"].startswith("on-failure"), f"{needed} never completes"
    for name in ("api", "worker"):
        assert set(services[name]["depends_on"]) >= {"migrate", "temporal-namespace"}


def test_variables_are_words_and_ours_are_settings(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service["environment"].items():
            assert isinstance(value, str), f"{name}: {variable} is no text to YAML: quote it"
            assert value
    for name in OURS:
        variables = services[name]["environment"]
        assert all(key.startswith(_PREFIXES) for key in variables)


def test_settings_are_accepted_by_the_code(services: dict[str, Any]) -> None:
    given = {key: _filled_in(value) for key, value in services["api"]["environment"].items()}
    mounted = services["api"]["volumes"][0]
    assert mounted["target"] == given["OUTDIAL_CONFIG"]
    settings = load_settings(given | {"OUTDIAL_CONFIG": str(ROOT / mounted["source"])})
    require_serving(settings)
    build_lines(settings, given)
    assert settings.database.startswith("postgresql+psycopg://")
    line = settings.lines["simulated"]
    assert line.credentials == {
        "api_key": "env:SIMULATED_API_KEY",
        "webhook_secret": "env:SIMULATED_WEBHOOK_SECRET",
    }
    assert f"--public-url={line.base_url}" in services["network"]["command"]


def test_a_stop_leaves_time_to_drain(services: dict[str, Any]) -> None:
    grace = timedelta(seconds=int(services["worker"]["stop_grace_period"].removesuffix("s")))
    assert grace > Settings().drain_within


def test_no_password_has_a_default(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service["environment"].items():
            if re.search(r"PASSWORD|PWD|DATABASE_URL", variable):
                required = re.search(r"\$\{(POSTGRES|GRAFANA)_PASSWORD:\?", value)
                assert required, f"{name}: {variable}"
    variables = set(re.findall(r"\$\{(\w+)", _read("docker-compose.yml")))
    example = dict(
        line.split("=", 1) for line in _read("deploy/.env.example").splitlines() if "=" in line
    )
    assert variables <= set(example)
    secret = set(SECRETS) - {"OUTDIAL_PUBLIC_URL"}
    assert {example[name] for name in secret} == {""}


def test_who_has_no_simulated_line_needs_none_of_its_secrets() -> None:
    """Compose refuses nothing for them; a line that is there names what it lacks."""
    text = _read("docker-compose.yml")
    variables = re.findall(r"\$\{(SIMULATED_\w+)([^}]*)\}", text)
    assert {name for name, _ in variables} == {"SIMULATED_API_KEY", "SIMULATED_WEBHOOK_SECRET"}
    assert {default for _, default in variables} == {":-"}
    given = {"OUTDIAL_CONFIG": str(ROOT / "deploy/outdial.toml"), "SIMULATED_API_KEY": ""}
    with pytest.raises(SettingsInvalid, match="SIMULATED_API_KEY"):
        build_lines(load_settings(given), given)


def test_no_secret_is_shipped() -> None:
    """Two installations have none in common."""
    for path in ("docker-compose.yml", "deploy/outdial.toml", "deploy/.env.example"):
        text = _read(path)
        assert DEFAULT_API_KEY not in text.replace("SIMULATED_API_KEY", "")
        assert not re.search(r"whsec_[A-Za-z0-9+/=]{8,}", text)


def test_an_env_file_is_written_with_passwords_of_its_own(
    services: dict[str, Any], tmp_path: Path
) -> None:
    made = [tmp_path / "first.env", tmp_path / "second.env"]
    for path in made:
        script = ["sh", str(ROOT / "deploy/new-env.sh"), str(path)]
        subprocess.run(script, check=True, capture_output=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        again = subprocess.run(script, capture_output=True, text=True, check=False)
        assert (again.returncode, "nothing was changed" in again.stderr) == (1, True)
    first, second = (dict(re.findall(r"(?m)^(\w+)=(.*)$", path.read_text())) for path in made)
    for name in set(SECRETS) - {"OUTDIAL_PUBLIC_URL"}:
        assert len(first[name]) > 30
        assert first[name] != second[name]
    assert re.fullmatch(r"[a-z0-9]+", first["POSTGRES_PASSWORD"])
    given = {"OUTDIAL_CONFIG": str(ROOT / "deploy/outdial.toml"), **first}
    build_lines(load_settings({k: v for k, v in given.items() if v}), given)


def test_ports_listen_on_this_host_alone(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_commands_exist(services: dict[str, Any]) -> None:
    from outdial.cli.main import app

    assert services["migrate"]["command"] == ["outdial", "migrate"]
    assert typer.testing.CliRunner().invoke(app, ["migrate", "--help"]).exit_code == 0
    assert services["worker"]["command"] == ["python", "-P", "-m", "worker"]
    assert (ROOT / "worker.py").is_file()
    for name, module in (("api", "outdial.api"), ("network", "outdial.providers.simulated")):
        assert services[name]["command"][:4] == ["python", "-P", "-m", module]
        assert importlib.util.find_spec(f"{module}.__main__")


def test_image_holds_every_package_and_no_secret(project: dict[str, Any]) -> None:
    lines = _read("deploy/Dockerfile.dockerignore").splitlines()
    assert "*" in lines
    named = {line[1:] for line in lines if line.startswith("!")}
    assert named >= set(project["tool"]["importlinter"]["root_packages"])
    assert all((ROOT / name).exists() for name in named)
    assert not {name for name in named if "env" in name or name == "deploy"}


# --- Temporal's own jobs -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def temporal_cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a job beside a bare server, as the compose file starts one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    binaries = Path(sys.executable).parent
    server = subprocess.Popen(
        [binaries / "temporal", "server", "start-dev", "--headless", f"--port={port}"],
        cwd=tmp_path_factory.mktemp("temporal"),
        stdout=subprocess.DEVNULL,
    )
    yield {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        "TEMPORAL_NAMESPACE": "clinic",
    }
    server.terminate()
    server.wait(timeout=10)


def test_namespace_job_registers_what_workflows_set(temporal_cli: dict[str, str]) -> None:
    for _ in range(2):  # safe to repeat
        job = subprocess.run(
            ["sh", ROOT / "deploy/temporal/namespace.sh"],
            env=temporal_cli,
            capture_output=True,
            text=True,
            check=False,
        )
        assert job.returncode == 0, job.stdout + job.stderr
    listed = subprocess.run(
        ["temporal", "operator", "search-attribute", "list"],
        env=temporal_cli,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    kinds = dict(line.split() for line in listed.splitlines() if len(line.split()) == 2)
    for key in SEARCH_ATTRIBUTES:
        assert kinds[key.name].upper() == key.indexed_value_type.name.removeprefix(
            "INDEXED_VALUE_TYPE_"
        )


@pytest.mark.parametrize("script", sorted(ROOT.glob("deploy/**/*.sh")), ids=lambda p: p.name)
def test_shell_scripts_parse(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
