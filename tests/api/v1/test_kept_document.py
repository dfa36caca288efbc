"""The document and the client that the repository has, beside what would be written now."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from outdial.api.client_code.files import CLIENT, KEPT, document_text, files_of, kept_document
from outdial.api.v1.breaking_changes import breaking_changes
from outdial.client.async_client import AsyncClient
from outdial.client.client import Client
from tests.api.v1.newest_document import DOCUMENT

FILES = files_of(DOCUMENT)
CODE = [path for path in FILES if path.suffix == ".py"]


def test_clients_of_the_kept_document_do_not_break() -> None:
    assert breaking_changes(kept_document(), DOCUMENT) == []


def test_the_kept_document_is_that_of_the_api() -> None:
    assert KEPT.read_text(encoding="utf-8") == document_text(DOCUMENT), "run `make openapi`"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(CLIENT)))
def test_the_client_is_that_of_the_document(path: Path) -> None:
    """But for how it is formatted."""
    kept = ast.dump(ast.parse(path.read_text(encoding="utf-8")))
    assert kept == ast.dump(ast.parse(FILES[path])), "run `make openapi`"


def test_there_is_nothing_left_of_earlier_documents() -> None:
    for room in ("models", "operations", "async_operations"):
        kept = {path for path in (CLIENT / room).glob("*.py") if path.name != "__init__.py"}
        assert kept == {path for path in CODE if path.parent.name == room}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_client_has_every_operation(kind: type) -> None:
    ids = {
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
    }
    assert ids <= set(dir(kind))
