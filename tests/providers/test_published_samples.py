"""The descriptions written for providers that publish none hold what their pages show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
SPECS = sorted(HERE.glob("*/openapi.json"))


def _samples() -> Iterator[Any]:
    for path_of_spec in SPECS:
        name, spec = path_of_spec.parent.name, json.loads(path_of_spec.read_text())
        earlier: set[str] = set()
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                answers = operation.get("responses", {}) if isinstance(operation, dict) else {}
                for status, answer in answers.items():
                    media = answer.get("content", {}).get("application/json", {})
                    sample = json.dumps(media.get("example"))
                    if "example" in media and sample not in earlier:
                        earlier.add(sample)
                        yield pytest.param(media, id=f"{name} {method} {path} {status}")


@pytest.mark.parametrize("media", list(_samples()))
def test_a_published_sample_fits_the_description(media: dict[str, Any]) -> None:
    Draft202012Validator(media["schema"]).validate(media["example"])
