"""Which files are written from the document, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outdial.api.client_code.models import Models
from outdial.api.client_code.operations import write_client, write_operations

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "schema" / "openapi.json"
CLIENT = ROOT / "outdial" / "client"


def kept_document() -> dict[str, Any]:
    """The document as the repository has it."""
    document: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return document


def document_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def files_of(document: Mapping[str, Any]) -> dict[Path, str]:
    """Every file, with its text; that of Python is not formatted."""
    models = Models(document)
    files = {KEPT: document_text(document)}
    rooms = {
        "models": models.write(),
        "operations": write_operations(document, models, awaited=False),
        "async_operations": write_operations(document, models, awaited=True),
    }
    files[CLIENT / "client.py"] = write_client(document, awaited=False)
    files[CLIENT / "async_client.py"] = write_client(document, awaited=True)
    for room, modules in rooms.items():
        files |= {CLIENT / room / f"{name}.py": text for name, text in modules.items()}
    return files
