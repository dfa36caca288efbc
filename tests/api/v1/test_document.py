"""The OpenAPI document, as generators of clients need it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from outdial.api.v1.document import operations
from outdial.api.v1.problems import CODE_OF_STATUS, PROBLEM_CODE
from outdial.api.v1.refusals import MEANINGS, STATUS_OF
from outdial.domain.endpoint import EventType
from tests.api.v1.newest_document import DOCUMENT

SCHEMAS = DOCUMENT["components"]["schemas"]


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body in JSON: of requests, of what was carried out, and of webhooks."""
    for place, operation in operations(DOCUMENT):
        yield f"{place} request", operation.get("requestBody", {})
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                yield f"{place} {status}", response
    for name, hook in DOCUMENT["webhooks"].items():
        yield name, hook["post"]["requestBody"]


JSON_BODIES = [
    pytest.param(place, body["content"]["application/json"], id=place)
    for place, body in bodies()
    if "application/json" in body.get("content", {})
]


def test_it_is_valid() -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()]
    assert errors == []


def test_operation_ids_are_verb_and_noun() -> None:
    ids = [operation["operationId"] for _, operation in operations(DOCUMENT)]
    assert len(set(ids)) == len(ids) > 50
    assert [one for one in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", one)] == []


def test_schemas_have_names_that_a_user_would_choose() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    ours = re.compile("Shown|Body|View|Record$|Document|HTTP|Input$|Output$")
    assert [name for name in SCHEMAS if ours.search(name)] == []
    assert {"CallPage", "Campaign", "NewCall", "Agent", "Line"} <= set(SCHEMAS)


def test_every_operation_and_tag_is_described() -> None:
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for place, operation in operations(DOCUMENT):
        assert len(operation["description"]) > 10, place
        assert set(operation["tags"]) <= described, place
        assert len(operation["tags"]) == 1, place
    used = {tag for _, operation in operations(DOCUMENT) for tag in operation["tags"]}
    assert described == used | {"webhooks"}


@pytest.mark.parametrize(("place", "content"), JSON_BODIES)
def test_every_body_has_an_example_that_its_schema_allows(
    place: str, content: dict[str, Any]
) -> None:
    example = content["example"] if "example" in content else _named(content)["examples"][0]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(example)


def _named(content: dict[str, Any]) -> dict[str, Any]:
    schema = content["schema"]
    reference = schema.get("anyOf", [schema])[0]["$ref"]
    named: dict[str, Any] = SCHEMAS[reference.rpartition("/")[2]]
    return named


def defaults(value: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if "default" in value and not at.endswith("/properties"):
            yield at, value
        for key, each in value.items():
            yield from defaults(each, f"{at}/{key}")


@pytest.mark.parametrize(
    ("at", "schema"), [pytest.param(*one, id=one[0]) for one in defaults(SCHEMAS)]
)
def test_defaults_are_as_they_are_written(at: str, schema: dict[str, Any]) -> None:
    wanted = {**schema, "components": DOCUMENT["components"]}
    Draft202012Validator(wanted).validate(schema["default"])


def test_durations_and_hours_have_readable_defaults() -> None:
    assert SCHEMAS["NewCall"]["properties"]["max_duration"]["default"] == "10m"
    assert SCHEMAS["Schedule"]["properties"]["hours"]["default"] == ["09:00-18:00"]


def test_every_problem_names_its_codes() -> None:
    for place, operation in operations(DOCUMENT):
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                codes = response["x-problem-codes"]
                assert {str(STATUS_OF[code]) for code in codes} == {status}, place
                examples = response["content"]["application/problem+json"]["examples"]
                assert list(examples) == codes
    for code, example in DOCUMENT["components"]["examples"].items():
        Draft202012Validator(SCHEMAS["Problem"] | {"components": DOCUMENT["components"]}).validate(
            example["value"]
        )
        assert example["value"]["code"] == code


NOT_OF_OPERATIONS = {"not_offered", "method_not_allowed"}
"""Codes of the compatible APIs, and of requests that are no operation."""


def test_every_code_has_a_meaning_and_an_operation() -> None:
    assert set(MEANINGS) == {*PROBLEM_CODE.values(), *CODE_OF_STATUS.values()} - NOT_OF_OPERATIONS
    used = {
        code
        for _, operation in operations(DOCUMENT)
        for response in operation["responses"].values()
        for code in response.get("x-problem-codes", [])
    }
    assert used == set(MEANINGS)


def test_every_event_is_a_webhook() -> None:
    assert set(DOCUMENT["webhooks"]) == {event.value for event in EventType}
    for name, hook in DOCUMENT["webhooks"].items():
        body = hook["post"]["requestBody"]["content"]["application/json"]
        model = SCHEMAS[body["schema"]["$ref"].rpartition("/")[2]]
        kind = model["properties"]["type"]
        assert name in kind.get("enum", [kind.get("const")])
        assert hook["post"]["description"]


def test_it_is_json() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
