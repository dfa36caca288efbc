"""The documentation names what exists: links, commands, functions, keys, settings."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from outdial.cli.lazy import LazyGroup
from outdial.cli.main import app
from outdial.contracts import names, search_attributes
from outdial.intake.definition import read_definition_text
from outdial.runtime.settings.settings import Settings, load_settings
from workflows.registry import WORKFLOWS

ROOT = Path(__file__).parents[1]
SKIPPED = {".venv", "node_modules", "build", "dist", ".mypy_cache", ".pytest_cache"}
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part in SKIPPED or part.startswith(".") for part in page.relative_to(ROOT).parts)
)
RECORDS = ROOT / "docs" / "decisions"
"""Decision records tell of the time at which they were written; only their links have to hold."""
GUIDES = [page for page in PAGES if RECORDS not in page.parents]
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_DOTTED = re.compile(r"(?:outdial|workflows|activities|worker)(?:\.\w+)+")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


guides = pytest.mark.parametrize("page", GUIDES, ids=name_of)


def fences(page: Path, language: str) -> list[str]:
    """The blocks of a page in one language."""
    return [block for tag, block in _FENCE.findall(TEXT[page]) if tag == language]


def inline(page: Path) -> list[str]:
    """What a page writes as code within its sentences, put on one line."""
    prose = _FENCE.sub("", TEXT[page])
    return [" ".join(code.split()) for code in _CODE.findall(prose)]


# --- links ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(_FENCE.sub("", TEXT[page])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@guides
def test_every_page_is_linked_from_the_readme_or_a_page_that_is(page: Path) -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        one = waiting.pop()
        if one in reached or one not in TEXT:
            continue
        reached.add(one)
        targets = (target.partition("#")[0] for target in _LINK.findall(TEXT[one]))
        waiting += [(one.parent / each).resolve() for each in targets if ":" not in each]
    assert page in reached


# --- commands ---------------------------------------------------------------------------------


def commands(page: Path) -> Iterator[list[str]]:
    """Every `outdial …` of a page, as words."""
    for block in [*fences(page, "console"), *fences(page, "sh")]:
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True) if "outdial" in line else []
            if "outdial" in words and line.startswith(("$ ", "docker ")):
                yield words[words.index("outdial") + 1 :]
    for code in inline(page):
        if code.startswith("outdial "):
            yield shlex.split(code)[1:]


@cache
def command_line() -> LazyGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    return group


def problem(words: list[str]) -> str | None:
    """What is wrong with a command as the documentation writes it."""
    command: Any = command_line()
    rest = list(words)
    while isinstance(command, TyperGroup) and not (rest and rest[0].startswith("--")):
        if not rest or rest[0] not in command.commands:
            return f"no command {' '.join(words)!r}"
        name = rest.pop(0)
        command = command.load(name) if command is command_line() else command.commands[name]
    options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    wrong = [word for word in rest if word.startswith("--") and word.split("=")[0] not in options]
    return f"{' '.join(words)!r} has no option {wrong[0]}" if wrong else None


@guides
def test_commands_exist(page: Path) -> None:
    wrong = [one for words in commands(page) if (one := problem(words)) is not None]
    assert not wrong


def shown_commands() -> Iterator[list[str]]:
    """Every command that a page of the console shows, as words; X where a value is put in."""
    for source in sorted((ROOT / "outdial" / "console").rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "command":
                yield [str(a.value) if isinstance(a, ast.Constant) else "X" for a in node.args]


def test_commands_in_the_console_exist() -> None:
    shown = list(shown_commands())
    assert ["pause", "X"] in shown
    assert [one for words in shown if (one := problem(words)) is not None] == []


def test_the_check_of_commands_finds_what_is_wrong() -> None:
    assert problem(["launch", "a.yaml", "--again"]) is None
    assert problem(["line", "check", "main"]) is None
    assert problem(["--version"]) is None
    assert problem(["--versions"]) == "'--versions' has no option --versions"
    assert problem(["lunch", "a.yaml"]) == "no command 'lunch a.yaml'"
    assert problem(["line", "mend"]) == "no command 'line mend'"
    assert problem(["launch", "--twice"]) == "'launch --twice' has no option --twice"


def test_commands_are_found_in_the_readme() -> None:
    names = [words[0] for words in commands(ROOT / "README.md") if words]
    assert {"validate", "launch", "up"} <= set(names)


@guides
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    blocks = "".join(fences(page, "console"))
    named = [code for code in inline(page) if code.startswith("make ")]
    named += [line[2:] for line in blocks.splitlines() if line.startswith("$ make ")]
    assert not [code for code in named if code.split()[1] not in targets]


# --- names in the code ------------------------------------------------------------------------


def resolved(name: str) -> Any:
    """What a dotted name stands for. Raises ImportError or AttributeError when there is none."""
    return resolve_name(name)


@guides
def test_dotted_names_can_be_imported(page: Path) -> None:
    lost = []
    for code in inline(page):
        if _DOTTED.fullmatch(code) and code not in FILES:
            try:
                resolved(code)
            except (ImportError, AttributeError):
                lost.append(code)
    assert not lost


FILES = {"worker.py", "outdial.toml", "outdial.db"}


@guides
def test_paths_exist(page: Path) -> None:
    """Files of the project that a page names with their folder."""
    folders = {each.name for each in ROOT.iterdir() if each.is_dir()}
    named = [code for code in inline(page) if re.fullmatch(r"[\w./-]+/[\w.-]+\.\w+", code)]
    assert not [
        path for path in named if path.split("/")[0] in folders and not (ROOT / path).exists()
    ]


# --- definitions and settings -------------------------------------------------------------------

HEAD = {
    "name": "name: example\n",
    "purpose": "purpose: informational\n",
    "agent": "agent: reminder\n",
    "recipients": 'recipients: [{ phone: "+12025550123" }]\n',
}
"""What a fragment of a definition leaves out."""


@guides
def test_definitions_are_valid(page: Path) -> None:
    for block in fences(page, "yaml"):
        missing = [
            line for key, line in HEAD.items() if not re.search(rf"^{key}:", block, re.MULTILINE)
        ]
        read_definition_text("".join(missing) + block, base=ROOT / "campaigns")


@guides
def test_settings_are_valid(page: Path, tmp_path: Path) -> None:
    for block in fences(page, "toml"):
        tomllib.loads(block)
        path = tmp_path / "outdial.toml"
        path.write_text(block.replace('"/etc/ssl/', f'"{tmp_path}/'), encoding="utf-8")
        load_settings({"OUTDIAL_CONFIG": str(path)})


@guides
def test_variables_are_settings(page: Path) -> None:
    named = {word for code in inline(page) for word in re.findall(r"OUTDIAL_[A-Z_]+\b", code)}
    variables = {f"OUTDIAL_{name.upper()}" for name in Settings.model_fields} | {"OUTDIAL_CONFIG"}
    assert not {name for name in named if name.split("__")[0] not in variables}


# --- README -----------------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    assert len(TEXT[ROOT / "README.md"].splitlines()) < 180


# --- architecture -----------------------------------------------------------------------------

ARCHITECTURE = ROOT / "docs" / "architecture.md"
TODAY = {
    "The number of a CSV row": (10, 6),
    "A provider's webhook": (10, 6),
    "The YAML key `hours:`": (10, 6),
}
"""Files and types that each path has. None may have more than 10 and 6."""


def the_only(blocks: list[str], what: str) -> str:
    """The one thing of its kind on the page that explains the architecture."""
    assert len(blocks) == 1, f"docs/architecture.md has {len(blocks)} of these: {what}; write one"
    return blocks[0]


def section_of(heading: str) -> str:
    sections = re.findall(
        rf"^### {re.escape(heading)}\n(.*?)(?=^##|\Z)", TEXT[ARCHITECTURE], re.MULTILINE | re.DOTALL
    )
    return the_only(sections, f"### {heading}")


def path_of(heading: str) -> tuple[list[str], list[str]]:
    """The functions that a section of the page lists, and the types, each in their order."""
    section = section_of(heading)
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE)
    types = [name for _, cell in rows for name in _CODE.findall(cell) if _DOTTED.fullmatch(name)]
    return [function for function, _ in rows], list(dict.fromkeys(types))


def module_of(name: str) -> str:
    """The module that a dotted name is in."""
    while True:
        try:
            module = import_module(name)
        except ImportError:
            name = name.rpartition(".")[0]
        else:
            assert isinstance(module, ModuleType)
            return name


@pytest.mark.parametrize("heading", TODAY)
def test_paths_are_no_longer_than_today(heading: str) -> None:
    functions, types = path_of(heading)
    for name in (*functions, *types):
        resolved(name)
    lengths = len({module_of(name) for name in functions}), len(types)
    assert lengths == TODAY[heading]
    assert lengths[0] <= 10
    assert lengths[1] <= 6
    figures = re.findall(r"Today: (\d+ files, \d+ types)", " ".join(section_of(heading).split()))
    assert the_only(figures, f"Today: … files, … types, below {heading}") == (
        f"{lengths[0]} files, {lengths[1]} types"
    )


def test_every_workflow_and_search_attribute_is_listed() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT[ARCHITECTURE], re.MULTILINE)
    assert {each.__name__ for each in WORKFLOWS} <= set(rows)
    queues = {names.TASK_QUEUE, names.CALL_QUEUE, names.DELIVERY_QUEUE, names.CALLBACK_QUEUE}
    assert queues <= set(inline(ARCHITECTURE))
    listed = re.findall(r"^Search attributes: (.*?)\.", TEXT[ARCHITECTURE], re.MULTILINE)
    attributes = the_only(listed, "Search attributes: …")
    assert _CODE.findall(attributes) == [each.name for each in search_attributes.SEARCH_ATTRIBUTES]


def test_the_diagram_has_every_package_of_the_layers() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configuration["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["id"] == "layers"]
    packages = {name.strip() for layer in layers for name in layer.split("|")}
    diagrams = [each for each in fences(ARCHITECTURE, "mermaid") if each.startswith("flowchart")]
    diagram = the_only(diagrams, "```mermaid and flowchart")
    assert packages | {"workflows", "activities"} <= set(re.findall(r"\w+", diagram))
    assert {f"outdial.{name}" for name in packages} <= set(inline(ARCHITECTURE))
