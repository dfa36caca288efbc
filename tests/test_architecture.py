"""The shape of the project, checked by machine; each rule is shown to catch what it forbids."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.architecture import (
    MAX_FILE_LINES,
    MAX_FUNCTION_LINES,
    RULES,
    Rule,
    Source,
    client_stands_alone,
    dispatch_talks_to_temporal,
    domain_is_pure,
    doors_are_not_imported,
    errors_have_one_root,
    imported_names,
    locked_calls_are_values,
    matplotlib_is_imported_late,
    no_error_swallowed,
    no_provider_by_name,
    no_swamp,
    nothing_left_undone,
    one_commit,
    read_sources,
    rehearsal_is_pure,
    rows_stay_in_the_store,
    settings_read_the_environment,
    short_file,
    short_functions,
    time_is_an_argument,
    workflows_only_decide,
)

ROOT = Path(__file__).parent.parent

LONG_FUNCTION = "def story() -> None:\n" + "    step()\n" * MAX_FUNCTION_LINES
SHORT_FUNCTION = "def story() -> None:\n" + "    step()\n" * (MAX_FUNCTION_LINES - 1)
LONG_FILE = "step()\n" * (MAX_FILE_LINES + 1)

FORBIDDEN: list[tuple[Rule, str, str]] = [
    (domain_is_pure, "outdial/domain/retry.py", "import os"),
    (domain_is_pure, "outdial/domain/retry.py", "from urllib import request"),
    (domain_is_pure, "outdial/domain/retry.py", "from outdial.store.db.database import Database"),
    (domain_is_pure, "outdial/domain/rules/day.py", "def f() -> None:\n    import asyncio"),
    (domain_is_pure, "outdial/domain/rules/day.py", "from ...store import tables"),
    (rehearsal_is_pure, "outdial/rehearsal/loop.py", "import random"),
    (rehearsal_is_pure, "outdial/rehearsal/memory.py", "from outdial.store.call import calls"),
    (client_stands_alone, "outdial/client/request.py", "from outdial.domain.numbers import phone"),
    (client_stands_alone, "outdial/client/request.py", "import os"),
    (
        matplotlib_is_imported_late,
        "outdial/cli/report.py",
        "def f() -> None:\n    import matplotlib",
    ),
    (matplotlib_is_imported_late, "outdial/drawing/figures.py", "from matplotlib.axes import Axes"),
    (workflows_only_decide, "workflows/call.py", "from activities.place import PlaceCall"),
    (workflows_only_decide, "workflows/call.py", "import activities"),
    (workflows_only_decide, "workflows/call.py", "from phonenumbers import parse"),
    (workflows_only_decide, "workflows/call.py", "import random"),
    (
        dispatch_talks_to_temporal,
        "outdial/services/launch.py",
        "from temporalio.client import WorkflowFailureError",
    ),
    (
        dispatch_talks_to_temporal,
        "outdial/cli/running.py",
        "def f() -> None:\n    from temporalio.service import RPCError",
    ),
    (
        dispatch_talks_to_temporal,
        "activities/sweeps.py",
        "async def f(c: Client) -> None:\n    await c.get_workflow_handle('a').signal('b')",
    ),
    (
        dispatch_talks_to_temporal,
        "outdial/services/nexus.py",
        "async def f(ctx: Context) -> None:\n    await ctx.start_workflow(W.run, 1)",
    ),
    (doors_are_not_imported, "outdial/services/launch.py", "from worker import main"),
    (doors_are_not_imported, "outdial/api/app.py", "from tests.builders import recipient"),
    (
        time_is_an_argument,
        "outdial/domain/window.py",
        "from datetime import datetime\ndatetime.now(UTC)",
    ),
    (time_is_an_argument, "outdial/domain/window.py", "import datetime as d\nd.datetime.utcnow()"),
    (time_is_an_argument, "outdial/domain/window.py", "clock = datetime.now"),
    (time_is_an_argument, "outdial/domain/window.py", "date.today()"),
    (time_is_an_argument, "workflows/call.py", "import time\ntime.monotonic()"),
    (one_commit, "outdial/store/claims/claim.py", "session.commit()"),
    (one_commit, "outdial/services/launch.py", "self.database.session.commit()"),
    (settings_read_the_environment, "outdial/runtime/temporal.py", "import os\nos.environ['A']"),
    (settings_read_the_environment, "outdial/cli/main.py", "import os\nos.getenv('A')"),
    (settings_read_the_environment, "worker.py", "from os import environ"),
    (no_provider_by_name, "outdial/services/launch.py", "if line.provider == 'twilio':\n    pass"),
    (no_provider_by_name, "activities/place.py", "x = name in ('vapi', 'bland')"),
    (no_provider_by_name, "outdial/api/hooks.py", "match name:\n    case 'retell':\n        pass"),
    (short_file, "outdial/domain/retry.py", LONG_FILE),
    (short_file, "tests/test_retry.py", LONG_FILE),
    (short_functions, "outdial/domain/retry.py", LONG_FUNCTION),
    (
        short_functions,
        "outdial/domain/retry.py",
        "class A:\n    async " + LONG_FUNCTION.replace("\n", "\n  "),
    ),
    (no_swamp, "outdial/store/utils.py", ""),
    (no_swamp, "outdial/api/common/errors.py", ""),
    (nothing_left_undone, "outdial/domain/retry.py", "x = 1  # " + "TODO: days"),
    (nothing_left_undone, "tests/test_retry.py", "raise Not" + "ImplementedError('later')"),
    (errors_have_one_root, "outdial/store/rows.py", "class Gone(LookupError):\n    pass"),
    (errors_have_one_root, "activities/place.py", "raise Exception('no line')"),
    (errors_have_one_root, "workflows/call.py", "def f() -> None:\n    raise KeyError"),
    (no_error_swallowed, "activities/place.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (no_error_swallowed, "activities/place.py", "try:\n    f()\nexcept:\n    log()"),
    (no_error_swallowed, "outdial/cli/main.py", "with contextlib.suppress(Exception):\n    f()"),
    (rows_stay_in_the_store, "outdial/services/calls/calls.py", "tenant = row['tenant']"),
    (
        rows_stay_in_the_store,
        "outdial/services/agent_tools/tool_calls.py",
        "talk.case.call['tenant']",
    ),
    (rows_stay_in_the_store, "activities/sweeps.py", "call[f'{part}_at']"),
    (rows_stay_in_the_store, "outdial/dispatch/settlements.py", "s.execute(found).mappings()"),
    (rows_stay_in_the_store, "outdial/api/app.py", "from sqlalchemy import RowMapping"),
    (locked_calls_are_values, "outdial/store/call/settlement.py", "locked.call['fence'] = 1"),
    (locked_calls_are_values, "outdial/store/call/rivals.py", "x = other.recipient['attempts']"),
    (
        locked_calls_are_values,
        "outdial/store/callbacks/effects.py",
        "def f() -> None:\n    known = locked.call\n    return known['disposition']",
    ),
    (locked_calls_are_values, "outdial/store/call/locked_call.py", "locked['call']"),
]

ALLOWED: list[tuple[Rule, str, str]] = [
    (client_stands_alone, "outdial/client/errors.py", "from outdial.domain import errors"),
    (
        matplotlib_is_imported_late,
        "outdial/drawing/figures.py",
        "def draw() -> None:\n    from matplotlib.figure import Figure",
    ),
    (
        matplotlib_is_imported_late,
        "outdial/drawing/figures.py",
        "if TYPE_CHECKING:\n    from matplotlib.axes import Axes",
    ),
    (domain_is_pure, "outdial/domain/phone.py", "import phonenumbers\nfrom .zone import load_zone"),
    (domain_is_pure, "outdial/intake/csv.py", "import os"),
    (
        workflows_only_decide,
        "workflows/call.py",
        "from outdial.contracts import options",
    ),
    (
        workflows_only_decide,
        "workflows/call.py",
        "from outdial.contracts.signatures.call import PlaceCall",
    ),
    (workflows_only_decide, "workflows/call.py", "from temporalio import workflow"),
    (
        dispatch_talks_to_temporal,
        "outdial/dispatch/signals.py",
        "from temporalio.client import Client\nhandle = client.get_workflow_handle",
    ),
    (dispatch_talks_to_temporal, "worker.py", "from temporalio.service import RPCError"),
    (
        dispatch_talks_to_temporal,
        "outdial/resources/resources.py",
        "if TYPE_CHECKING:\n    from temporalio.client import Client",
    ),
    (
        dispatch_talks_to_temporal,
        "workflows/call.py",
        "workflow.get_external_workflow_handle('a').signal('b')",
    ),
    (doors_are_not_imported, "outdial/cli/up.py", "from worker import main"),
    (time_is_an_argument, "workflows/call.py", "now = workflow.now()"),
    (time_is_an_argument, "outdial/runtime/clock.py", "datetime.now(UTC)"),
    (one_commit, "outdial/store/db/database.py", "session.commit()"),
    (
        settings_read_the_environment,
        "outdial/runtime/settings/settings.py",
        "import os\nos.getenv('A')",
    ),
    (
        no_provider_by_name,
        "outdial/providers/adapters/twilio/client.py",
        "if name == 'twilio':\n    pass",
    ),
    (no_provider_by_name, "outdial/runtime/settings.py", "provider = 'simulated'"),
    (short_file, "outdial/store/migrations/versions/0001.py", LONG_FILE),
    (short_functions, "outdial/domain/retry.py", SHORT_FUNCTION),
    (short_functions, "tests/test_retry.py", LONG_FUNCTION),
    (no_swamp, "outdial/domain/commonwealth.py", ""),
    (nothing_left_undone, "outdial/domain/retry.py", "x = 'TODO'"),
    (
        errors_have_one_root,
        "outdial/store/rows.py",
        "class Gone(OutdialError, KeyError): ...",
    ),
    (
        errors_have_one_root,
        "outdial/calendars/limits.py",
        "class Late(BaseException): ...\ntry:\n    f()\nexcept (Late, Exception):\n    log()",
    ),
    (errors_have_one_root, "outdial/domain/day.py", "raise ValueError('no day')"),
    (errors_have_one_root, "tests/builders.py", "raise LookupError('no call')"),
    (no_error_swallowed, "outdial/cli/main.py", "try:\n    f()\nexcept KeyError:\n    pass"),
    (rows_stay_in_the_store, "outdial/store/records.py", "row['tenant']"),
    (rows_stay_in_the_store, "outdial/cli/contacts.py", "cell = row[at]"),
    (rows_stay_in_the_store, "tests/store/model.py", "row['tenant']"),
    (locked_calls_are_values, "outdial/store/claims/reservation.py", "line = call['line']"),
    (locked_calls_are_values, "outdial/store/call/rivals.py", "locked.call.structured['word']"),
    (
        no_error_swallowed,
        "outdial/cli/main.py",
        "try:\n    f()\nexcept Exception:\n    log()\n    raise",
    ),
]


def _findings(rule: Rule, path: str, text: str) -> list[str]:
    return [what for _, what in rule(Source(PurePosixPath(path), text))]


def _name(value: object) -> str:
    return getattr(value, "__name__", "").replace("_", "-")


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return read_sources(ROOT)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("rule", "path", "text"), FORBIDDEN)
def test_rule_catches(rule: Rule, path: str, text: str) -> None:
    assert _findings(rule, path, text)


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_rule_lets_through(rule: Rule, path: str, text: str) -> None:
    assert _findings(rule, path, text) == []


def test_every_rule_has_its_counterexample() -> None:
    assert {rule for rule, _, _ in FORBIDDEN} == set(RULES)


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_project_keeps_rule(rule: Rule, sources: list[Source]) -> None:
    assert {source.room for source in sources} >= {"domain", "tests"}, "looked in the wrong folder"
    broken = [f"{s.path}:{line}: {what}" for s in sources for line, what in rule(s)]
    assert not broken, "\n".join(broken)


def test_every_package_is_known_to_every_tool(project: dict[str, Any]) -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "tests"}
    tool = project["tool"]
    packaged = set(tool["setuptools"]["packages"]["find"]["include"])
    assert packages == set(tool["importlinter"]["root_packages"])
    assert packaged == packages | {f"{package}.*" for package in packages}
    assert packages <= set(tool["ruff"]["lint"]["isort"]["known-first-party"])


def test_every_folder_that_ships_is_a_package(sources: list[Source]) -> None:
    """import-linter does not look into a folder that is none."""
    folders = {s.path.parent for s in sources if s.shipped and not s.migration}
    folders -= {PurePosixPath(".")}
    assert [str(f) for f in sorted(folders) if not (ROOT / f / "__init__.py").is_file()] == []


def test_packages_re_export_nothing(sources: list[Source]) -> None:
    """A name has one address: the module that defines it."""
    assert [
        str(s.path)
        for s in sources
        if s.shipped and s.path.name == "__init__.py"
        if any(name.startswith("outdial.") for _, name in imported_names(s))
        if s.path
        != PurePosixPath("outdial/store/db/tables/__init__.py")  # Alembic wants all tables
    ] == []


# --- import-linter -------------------------------------------------------------------------------

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

VIOLATIONS = {
    "layers": ("outdial/store/bulk.py", "import outdial.services"),
    "engine": ("outdial/services/launch.py", "import workflows"),
    "workflows": ("workflows/call.py", "import outdial.store.bulk"),
    "activities": ("activities/calls.py", "import outdial.services"),
    "providers": ("outdial/providers/errors/__init__.py", "import outdial.providers.port"),
    "circles": ("outdial/providers/reports/one.py", "import outdial.providers.reports.two"),
    "adapters": (
        "outdial/providers/adapters/one/client.py",
        "import outdial.providers.adapters.two.client",
    ),
    "tests": ("outdial/domain/call.py", "import tests.builders"),
}


def _lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, project: dict[str, Any]) -> Path:
    """The packages with hardly anything in them, under the project's own contracts."""
    root = tmp_path_factory.mktemp("sample")
    (root / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [*project["tool"]["importlinter"]["root_packages"], "tests"]
    packages += sorted(f"outdial/{path.parent.name}" for path in ROOT.glob("outdial/*/__init__.py"))
    packages += layers_of(project, "providers")
    packages += ["outdial/providers/adapters/one", "outdial/providers/adapters/two"]
    for package in packages:
        (root / package).mkdir()
        (root / package / "__init__.py").touch()
    for module in ["providers/adapters/two/client", "store/bulk"]:
        (root / f"outdial/{module}.py").touch()
    (root / "outdial/providers/reports/two.py").write_text("import outdial.providers.reports.one")
    return root


def layers_of(project: dict[str, Any], contract: str) -> list[str]:
    """The folders of a contract's layers."""
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [one for one in contracts if one["id"] == contract]
    (container,) = layers["containers"]
    return [
        f"{container}.{name.strip()}".replace(".", "/")
        for layer in layers["layers"]
        for name in layer.split("|")
    ]


def test_every_contract_has_its_counterexample(project: dict[str, Any]) -> None:
    assert {c["id"] for c in project["tool"]["importlinter"]["contracts"]} == set(VIOLATIONS)


def test_contracts_hold_on_the_sample(sample: Path) -> None:
    run = _lint(sample)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_contract_catches(contract: str, sample: Path) -> None:
    path, text = VIOLATIONS[contract]
    module = sample / path
    before = module.read_text() if module.exists() else None
    module.write_text(text)
    try:
        run = _lint(sample, "--contract", contract)
    finally:
        module.unlink() if before is None else module.write_text(before)
    assert run.returncode == 1
    assert "BROKEN" in run.stdout
