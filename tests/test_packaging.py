"""What installs, checks and releases the project: locks, dependencies, Makefile, CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import imported_names, read_sources

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
LOCKED = re.compile(
    r"^([a-z0-9][a-z0-9-]*)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", re.M
)


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _pins(lock: str) -> dict[str, str]:
    return {match[1]: match[2] for match in LOCKED.finditer(_read(lock))}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(_read("pyproject.toml"))


# --- locks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_nothing_but_hashed_requirements(lock: str) -> None:
    rest = LOCKED.sub("", _read(lock))
    assert len(_pins(lock)) > 30
    assert [line for line in rest.splitlines() if line and not line.lstrip().startswith("#")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_place(lock: str) -> None:
    """Where packages come from is the matter of whoever installs them."""
    assert re.findall(r"\w+://\S+|\w+ @ |\S*/\S*|--(?!hash=)[a-z-]+", _read(lock)) == []


def test_locks_agree() -> None:
    runtime, everything = map(_pins, LOCKS)
    assert runtime.items() <= everything.items()


def test_locks_satisfy_the_project(project: dict[str, Any]) -> None:
    needed = project["project"]["dependencies"] + project["build-system"]["requires"]
    extra = project["project"]["optional-dependencies"]["dev"]
    for lock, requirements in zip(LOCKS, (needed, needed + extra), strict=True):
        pins = _pins(lock)
        for requirement in map(Requirement, requirements):
            pin = pins.get(canonicalize_name(requirement.name))
            assert pin, f"{lock}: {requirement} is missing: make lock"
            assert requirement.specifier.contains(pin), f"{lock}: {requirement} found {pin}"


def test_what_is_imported_is_declared(project: dict[str, Any]) -> None:
    """A package that is only there because another one needs it can vanish with that one."""
    listed = map(Requirement, project["project"]["dependencies"])
    declared = {canonicalize_name(requirement.name) for requirement in listed}
    packages = {*project["tool"]["importlinter"]["root_packages"], "worker"}
    providers = packages_distributions()
    undeclared = {
        f"{source.path}: {name}"
        for source in read_sources(ROOT)
        if source.shipped
        for _, name in imported_names(source)
        if (package := name.split(".")[0]) not in sys.stdlib_module_names | packages
        if not declared & {canonicalize_name(d) for d in providers.get(package, [])}
    }
    assert undeclared == set()


# --- Makefile and CI -------------------------------------------------------------------------


def _dry_run(target: str) -> str:
    """What make would do, as from a clean shell: a surrounding make must not take part."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    run = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    "target", ["demo", "install", "check", "lint", "test", "faults", "bench", "lock", "clean"]
)
def test_targets_run_in_the_environment_of_the_project(target: str) -> None:
    assert ".venv" in _dry_run(target)


@pytest.mark.parametrize(("target", "lock"), [("demo", LOCKS[0]), ("test", LOCKS[1])])
def test_targets_install_by_hash(target: str, lock: str) -> None:
    steps = _dry_run(target)
    assert f"install --require-hashes --requirement {lock}" in steps
    assert "install --no-deps --no-build-isolation --editable ." in steps
    assert len(re.findall(r"pip .*install", steps)) == 2


def test_demo_can_be_repeated() -> None:
    from outdial.cli.main import app

    assert "outdial launch campaigns/quickstart.yaml --again" in _dry_run("demo")
    assert (ROOT / "campaigns/quickstart.yaml").is_file()
    assert "--again" in typer.testing.CliRunner().invoke(app, ["launch", "--help"]).stdout


def test_bench_exists() -> None:
    assert "python -m bench.throughput" in _dry_run("bench")
    assert (ROOT / "bench/throughput.py").is_file()


def test_every_target_is_listed_by_help() -> None:
    makefile = _read("Makefile")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony
    explained = set(re.findall(r"^([a-z]+):.* ## ", makefile, re.M))
    assert set(phony[1].split()) - explained == {"unit"}
    help_text = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert all(f"make {target}" in help_text for target in explained)


def test_ci_runs_targets_that_exist() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    steps = re.findall(r"^\s*step make ([a-z]+)$", script.read_text(), re.M)
    assert steps == ["test", "faults", "sdks"]
    for target in steps:
        assert "pytest" in _dry_run(target)


# --- records ---------------------------------------------------------------------------------


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs/decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    index = _read("docs/decisions/README.md")
    for record in records:
        text = record.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        assert f"| [{record.name[:4]}]({record.name}) | {title} |" in index
        assert re.findall(r"^## (.+)$", text, re.M)[:2] == ["Context", "Decision"]
