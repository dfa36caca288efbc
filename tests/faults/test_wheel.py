"""The wheel, installed into an empty environment, in a folder whose modules have our names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("activities", "outdial", "workflows")
STRANGE = ("worker.py", "outdial.py", "api/__init__.py", "store/__init__.py")
"""Of somebody else, in the folder in which they work."""
RAISES = "raise RuntimeError('a module of the current folder was imported')\n"


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Its output; `PYTHONPATH` is not set."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=clean | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def build_wheel(folder: Path) -> Path:
    """From a copy, since a build leaves files beside its sources."""
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in SHIPPED:
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in ("worker.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = (sys.executable, "-m", "pip", "--quiet", "wheel")
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("outdial-*.whl")
    return wheel


def new_environment(folder: Path, wheel: Path) -> Path:
    """An empty virtual environment with the wheel and what it depends on; its programs."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    programs = folder / "bin"
    install = (
        programs / "python",
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
    )
    lock = ROOT / "requirements.txt"
    run(*install, "--require-hashes", "--requirement", lock, cwd=folder)
    run(*install, "--no-deps", "--no-index", wheel, cwd=folder)
    return programs


@pytest.mark.faults
def test_the_wheel_runs_a_campaign_among_strange_modules(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    installed = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    metadata = {name for name in installed if name.endswith(".dist-info")}
    assert installed - metadata == {*SHIPPED, "worker.py"}
    programs = new_environment(tmp_path / "environment", wheel)

    folder = tmp_path / "somebody"
    shutil.copytree(ROOT / "campaigns", folder / "campaigns")
    for name in STRANGE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(RAISES)
    launched = run(
        programs / "outdial", "launch", "campaigns/quickstart.yaml", "--json",
        cwd=folder,
        OUTDIAL_STATE_DIR=str(tmp_path / "state"),
        OUTDIAL_SIMULATED__TIME_SCALE="40",
    )  # fmt: skip
    report = json.loads(launched.splitlines()[-1])
    assert (report["campaign"], report["state"]) == ("quickstart", "finished")
    assert sum(report["recipients"].values()) == 40
