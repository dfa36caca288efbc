"""What would be right is said for every key of the definition, and is still true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from outdial.domain.call.policy import MAX_IN_FLIGHT, Pacing
from outdial.domain.call.retry import MAX_ATTEMPTS
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.hints import choices_at, hint_at, keys_at
from outdial.domain.line.routing import MAX_WEIGHT
from outdial.intake.schema import campaign_schema

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


def right(path: str) -> str:
    """What is said of a key, whatever was found."""
    hint = hint_at(CampaignDefinition, path.split("."))
    assert hint is not None, path
    return hint.text


def test_every_key_has_its_words() -> None:
    """The key itself: what stands above it says something else."""
    paths = {path for path, _ in keys(SCHEMA)}
    assert len(paths) > 100
    for path in paths:
        assert right(path).startswith(("write ", "leave it out")), path
        above = path.rpartition(".")[0]
        assert not above or right(path) != right(above), path


def test_an_item_and_a_value_have_words_of_their_own() -> None:
    assert hint_at(CampaignDefinition, ("recipients", 7)) is not hint_at(
        CampaignDefinition, ("recipients",)
    )
    assert (
        right("variables.greeting") == 'write a template in quotes, such as "Hi {{ first_name }}"'
    )


def test_keys_are_those_of_models_that_refuse_others() -> None:
    assert keys_at(CampaignDefinition, ("recipients",)) == ["csv", "columns", "default_region"]
    assert keys_at(CampaignDefinition, ("pacing",)) == list(Pacing.model_fields)
    assert keys_at(CampaignDefinition, ("variables",)) == []


def test_bounds_in_words_are_the_bounds_of_the_model() -> None:
    bounds = {}
    for path, schema in keys(SCHEMA):
        for branch in branches(schema):
            if "maximum" in branch:
                bounds[path] = (branch["minimum"], branch["maximum"])
    assert {high for _, high in bounds.values()} >= {MAX_ATTEMPTS, MAX_IN_FLIGHT, MAX_WEIGHT}
    for path, (low, high) in bounds.items():
        assert right(path) == f"write a whole number from {low} to {high}"


def test_choices_in_words_are_the_choices_of_the_model() -> None:
    chosen = 0
    for path, schema in keys(SCHEMA):
        for branch in branches(schema):
            if "enum" in branch:
                chosen += 1
                assert [word for word in re.findall(r"\w+", right(path)) if word in branch["enum"]]
                assert set(branch["enum"]) <= set(re.findall(r"\w+", right(path)))
                assert choices_at(CampaignDefinition, path.split(".")) == branch["enum"]
    assert chosen == 11
