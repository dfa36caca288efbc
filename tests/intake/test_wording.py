"""What would be right is said for every key of the definition, and is still true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from outdial.domain.definition.campaign import MAX_ATTEMPTS, MAX_IN_FLIGHT, MAX_PER_MINUTE
from outdial.domain.line.routing import MAX_WEIGHT
from outdial.intake.schema import campaign_schema
from outdial.intake.wording import RIGHT

SCHEMA = campaign_schema()


def branches(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema's alternatives, references followed."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    options = schema.get("anyOf", []) + schema.get("oneOf", [])
    if not options:
        yield schema
    for option in options:
        yield from branches(option)


def keys(schema: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key by its path; those of a list's items belong to the list."""
    for branch in branches(schema):
        if "items" in branch:
            yield from keys(branch["items"], above)
        for name, inner in branch.get("properties", {}).items():
            path = f"{above}.{name}" if above else name
            yield path, inner
            yield from keys(inner, path)


def test_every_key_has_its_words() -> None:
    paths = {path for path, _ in keys(SCHEMA)}
    assert paths | {"variables.*"} == set(RIGHT)


def test_bounds_in_words_are_the_bounds_of_the_model() -> None:
    bounds = {}
    for path, schema in keys(SCHEMA):
        for branch in branches(schema):
            if "maximum" in branch:
                bounds[path] = (branch["minimum"], branch["maximum"])
    assert {high for _, high in bounds.values()} == {
        MAX_ATTEMPTS,
        MAX_IN_FLIGHT,
        MAX_PER_MINUTE,
        MAX_WEIGHT,
    }
    for path, (low, high) in bounds.items():
        assert RIGHT[path] == f"write a whole number from {low} to {high}"


def test_choices_in_words_are_the_choices_of_the_model() -> None:
    chosen = 0
    for path, schema in keys(SCHEMA):
        for branch in branches(schema):
            if "enum" in branch:
                chosen += 1
                assert [word for word in re.findall(r"\w+", RIGHT[path]) if word in branch["enum"]]
                assert set(branch["enum"]) <= set(re.findall(r"\w+", RIGHT[path]))
    assert chosen == 11
