"""One word for each concept, in code and at every door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from typer.main import get_command

from outdial.api.v1.app import create_v1
from outdial.cli.lazy import LazyGroup
from outdial.cli.main import app
from outdial.intake.schema import campaign_schema
from outdial.store.db.tables import metadata
from tests.architecture import Source, read_sources
from tests.vocabulary import RETIRED, no_retired_word, retired_word

ROOT = Path(__file__).parents[1]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("outdial/services/calls/calls.py", "found = read()"),
        ("outdial/services/calls/calls.py", "def f(_told: int) -> None: ..."),
        ("outdial/services/calls/calls.py", "f(because=1)"),
        ("outdial/store/call/merging.py", "class Heard: ..."),
        ("outdial/store/call/merging.py", "values = {'because': 1}"),
        ("outdial/cli/rules.py", "Option('--because')"),
        ("outdial/store/claims/board.py", ""),
        ("activities/after_call/calls.py", ""),
    ],
)
def test_a_retired_word_is_refused(path: str, text: str) -> None:
    assert list(no_retired_word(Source(PurePosixPath(path), text)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("outdial/cli/rules.py", "# nobody is told because nothing was found"),
        ("outdial/cli/rules.py", "say('a chain of standing orders')"),
        ("outdial/api/compat/voxanne/models.py", "body['call_back']"),
        ("outdial/store/db/migrations/versions/0001_first.py", "Column('because')"),
        ("tests/store/test_calls.py", "found = read()"),
    ],
)
def test_ordinary_english_is_let_through(path: str, text: str) -> None:
    assert list(no_retired_word(Source(PurePosixPath(path), text))) == []


def test_the_code_uses_no_retired_word() -> None:
    broken = [
        f"{s.path}:{line}: {what}" for s in read_sources(ROOT) for line, what in no_retired_word(s)
    ]
    assert not broken, "\n".join(broken)


def _tables() -> Iterator[str]:
    for table in metadata.sorted_tables:
        yield table.name
        yield from (column.name for column in table.columns)


def _fields(schema: Any) -> Iterator[str]:
    """The keys that a JSON schema allows, and the words of its enumerations."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from (word for word in schema.get("enum", []) if isinstance(word, str))
        yield from (schema[key] for key in ("const",) if isinstance(schema.get(key), str))
        for value in schema.values():
            yield from _fields(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _fields(value)


def _api() -> Iterator[str]:
    document = create_v1().openapi()
    yield from _fields(document)
    for path, operations in document["paths"].items():
        yield from (part.strip("{}") for part in path.split("/"))
        for operation in operations.values():
            yield from (each["name"] for each in operation.get("parameters", []))


def _commands() -> Iterator[str]:
    group = get_command(app)
    assert isinstance(group, LazyGroup)
    commands: list[Any] = [group.load(each.name) for each in group.lazy_commands]
    while commands:
        command = commands.pop()
        yield command.name or ""
        for parameter in command.params:
            yield from (*parameter.opts, *parameter.secondary_opts)
        commands += getattr(command, "commands", {}).values()


@pytest.mark.parametrize(
    "names", [_tables, lambda: _fields(campaign_schema()), _api, _commands],
    ids=["tables", "definition", "api", "commands"],
)  # fmt: skip
def test_no_door_and_no_table_uses_a_retired_word(names: Any) -> None:
    offered = list(names())
    assert len(offered) > 30, "read in the wrong place"
    assert (
        sorted({f"{name}: {RETIRED[word]}" for name in offered if (word := retired_word(name))})
        == []
    )
