"""What the embedded stack leaves on a machine that others use too: modules, files, arguments."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.parts import commands
from outdial.runtime.stack.processes import Command, Process
from outdial.runtime.stack.statefile import Endpoints, StackState, owned, write_state

STATE = StackState(
    pid=1,
    ready=False,
    endpoints=Endpoints(temporal_port=1, ui_port=2, api_port=3, network_port=4),
    api_key="the-api-key",
    webhook_secret="whsec_dGhlLXdlYmhvb2stc2VjcmV0LW9mLXRlc3Rz",
)
PACKAGES = ("activities", "api", "outdial", "store", "workflows")


def strange_folder(folder: Path) -> Path:
    """A folder full of files named like our modules; each leaves a mark when it is imported."""
    for name in ("worker", "logging", "json"):
        (folder / f"{name}.py").write_text("open('taken', 'w').close(); raise SystemExit(9)\n")
    for package in PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("open('taken', 'w').close()\n")
        (folder / package / "__main__.py").write_text("open('taken', 'w').close()\n")
    return folder


@pytest.mark.parametrize(
    "path", [pytest.param(None, marks=pytest.mark.faults), f".{os.pathsep}{os.pathsep}lib"]
)
def test_our_own_modules_run_whatever_folder_it_is(tmp_path: Path, path: str | None) -> None:
    """To their first words: without a setting that they need, they end with a sentence."""
    folder = strange_folder(tmp_path)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ |= {} if path is None else {"PYTHONPATH": path}
    settings = load_settings(environ | {"OUTDIAL_STATE_DIR": str(folder / "state")})
    parts = [each for each in commands(settings, STATE) if each.arguments[0] == sys.executable]
    assert [each.name for each in parts] == ["network", "api", "worker"]
    for part in parts:
        assert part.arguments[1] == "-P"
    module = parts[-1]
    ended = subprocess.run(
        module.arguments,
        cwd=folder,
        env=dict(module.environment) | {"OUTDIAL_NO_SUCH_SETTING": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "OUTDIAL_NO_SUCH_SETTING" in ended.stderr
    assert not (folder / "taken").exists()


def test_our_own_modules_come_before_those_of_the_users_path(tmp_path: Path) -> None:
    """Somebody's worker.py may be wherever their PYTHONPATH leads."""
    for name in ("worker", "outdial", "workflows"):
        (tmp_path / f"{name}.py").write_text("")
    environ = dict(os.environ) | {"PYTHONPATH": str(tmp_path)}
    settings = load_settings(environ | {"OUTDIAL_STATE_DIR": str(tmp_path / "state")})
    ours = Path(__file__).parents[2]
    names = "outdial, worker, workflows"
    script = f"""from importlib.util import find_spec
for name in "{names}".split(", "):
    print(find_spec(name).origin)"""
    for part in commands(settings, STATE):
        if part.arguments[0] == sys.executable:
            origins = subprocess.run(
                [sys.executable, "-P", "-c", script],
                cwd=tmp_path,
                env=dict(part.environment),
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            assert [Path(origin).parent for origin in origins] == [
                ours / "outdial",
                ours,
                ours / "workflows",
            ]


def test_no_secret_stands_in_the_arguments(tmp_path: Path) -> None:
    settings = load_settings({"OUTDIAL_STATE_DIR": str(tmp_path)})
    for command in commands(settings, STATE):
        for secret in (STATE.api_key, STATE.webhook_secret):
            assert not [each for each in command.arguments if secret in each]


async def test_the_network_takes_its_secrets_from_the_state_file(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    settings = load_settings({"OUTDIAL_STATE_DIR": str(tmp_path)})
    (network,) = [each for each in commands(settings, STATE) if each.name == "network"]
    at = network.arguments.index("--port") + 1
    arguments = [*network.arguments[:at], "0", *network.arguments[at + 1 :]]
    child = await asyncio.create_subprocess_exec(
        *arguments, env=dict(network.environment), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(240):
            assert (await child.stdout.readline()).startswith(b"simulated network: http")
    finally:
        child.terminate()
        await child.wait()


def modes(folder: Path) -> set[tuple[str, int]]:
    paths = [folder, *folder.rglob("*")]
    return {("d" if one.is_dir() else "f", stat.S_IMODE(one.stat().st_mode)) for one in paths}


def test_a_state_directory_is_its_owners_alone(tmp_path: Path) -> None:
    """One that an earlier version left open is closed, too."""
    folder = tmp_path / "state"
    (folder / "logs").mkdir(parents=True)
    for name in ("outdial.db", "temporal.db", "logs/api.log"):
        (folder / name).write_text("x")
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    with owned(folder):
        write_state(folder, STATE)
        assert modes(folder) == {("d", 0o700), ("f", 0o600)}
    fresh = tmp_path / "fresh"
    with owned(fresh):
        assert modes(fresh) == {("d", 0o700), ("f", 0o600)}


def test_a_folder_that_holds_other_things_keeps_its_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home or a project: only what a stack writes is closed, and nobody else's file matters."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "logs").mkdir()
    theirs = [tmp_path / name for name in ("bin/run", "notes.db", "page.html", "logs/access.txt")]
    mine = [tmp_path / name for name in ("outdial.db", "outdial.db-wal", "logs/api.log")]
    for path in (*theirs, *mine):
        path.write_text("x")
        path.chmod(0o755)
    folders = [tmp_path, tmp_path / "bin", tmp_path / "logs"]
    for path in folders:
        path.chmod(0o755)
    with owned(tmp_path):
        write_state(tmp_path, STATE)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*folders, *theirs)} == {0o755}
    mine += [tmp_path / "lock", tmp_path / "stack.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in mine} == {0o600}

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(f"{path} is somebody else's")

    monkeypatch.setattr(Path, "chmod", refuse)
    with owned(tmp_path):
        assert (tmp_path / "lock").exists()


async def test_what_a_part_writes_is_its_owners_alone(tmp_path: Path) -> None:
    written = tmp_path / "by-a-part"
    command = Command(
        name="part",
        arguments=(sys.executable, "-S", "-c", f"open({str(written)!r}, 'w').close()"),
        environment={},
        log=tmp_path / "logs" / "part.log",
        stop_within=1,
    )
    process = Process(command)
    running = asyncio.create_task(process.keep_running())
    async with asyncio.timeout(120):
        while not written.exists():
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await process.stop()
    file_modes = {stat.S_IMODE(path.stat().st_mode) for path in (written, command.log)}
    assert file_modes == {0o600}
