"""What the compatible APIs take and give, field by field, by their own descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError

from outdial.api.compat.systems import SYSTEMS
from outdial.api.compat.values import Instant, Milliseconds, Timestamp, Whole

APPS = [(name, create()) for name, create in SYSTEMS]
FRACTIONS = {"cost", "successRate", "avgDuration"}
"""Prices, percentages and averages; every other number of the pages is a whole one."""


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation, document


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def kinds(schema: dict[str, Any], document: dict[str, Any]) -> set[str]:
    schema = resolved(schema, document)
    types = {schema["type"]} if "type" in schema else set()
    for part in schema.get("anyOf", []) + schema.get("oneOf", []):
        types |= kinds(part, document)
    return types


def objects(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of a schema, inner ones too."""
    schema = resolved(schema, document)
    if "properties" in schema:
        yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    for one in inner:
        yield from objects(one, document)


@pytest.mark.parametrize(("name", "app"), APPS)
def test_an_optional_field_may_be_null(name: str, app: FastAPI) -> None:
    """Most clients send null for what they do not know."""
    strict = []
    for where, operation, document in operations(app):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        for one in objects(content["application/json"]["schema"], document):
            strict += [
                f"{where}: {field}"
                for field, schema in one["properties"].items()
                if field not in one.get("required", [])
                and kinds(schema, document)
                and "null" not in kinds(schema, document)
            ]
    assert strict == []


@pytest.mark.parametrize(("name", "app"), APPS)
def test_numbers_are_whole(name: str, app: FastAPI) -> None:
    fractions = set()
    for where, operation, document in operations(app):
        for answer in operation["responses"].values():
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            for one in objects(schema, document):
                fractions |= {
                    f"{where}: {field}"
                    for field, described in one["properties"].items()
                    if "number" in kinds(described, document) and field not in FRACTIONS
                }
    assert fractions == set()


def test_instants_are_read_as_iso_8601_and_utc_where_nothing_is_said() -> None:
    read = TypeAdapter(Instant).validate_python
    at = datetime(2026, 12, 1, 15, tzinfo=UTC)
    for text in (
        "2026-12-01T15:00:00", "2026-12-01T15:00:00Z", "2026-12-01T16:00:00+01:00",
        "2026-12-01 15:00:00", "20261201T150000", "2026-12-01T15:00:00.000Z", "2026-12-01T15:00",
    ):  # fmt: skip
        assert read(text) == at, text
    for wrong in ("tomorrow", "9999-12-31T23:59:59-12:00", "0001-01-01", 1764601200, "", None):
        with pytest.raises(ValidationError):
            read(wrong)


def test_instants_are_written_as_the_pages_show_them() -> None:
    at = datetime(2026, 12, 1, 16, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert TypeAdapter(Timestamp).dump_json(at) == b'"2026-12-01T15:00:00Z"'
    assert TypeAdapter(Milliseconds).dump_json(at) == b'"2026-12-01T15:00:00.123Z"'


def test_whole_numbers() -> None:
    read = TypeAdapter(Whole).validate_python
    assert (read(300), read(300.0)) == (300, 300)
    for wrong in (300.5, "300", True, None, float("inf"), float("nan")):
        with pytest.raises(ValidationError):
            read(wrong)
