"""The OpenAPI document: complete, and kept. schemathesis tries what it promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.v1.conftest import Customer
from tests.api.v1.newest_document import DOCUMENT

EXAMPLES = [2, pytest.param(12, marks=pytest.mark.faults)]
"""For each operation. A dozen of them all take as long as a hundred other tests."""


def no_defect(context: Any, response: Any, case: Any) -> None:
    """503 says that the database or Temporal is away, and is documented; 500 is a mistake."""
    assert response.status_code != 500, response.text


CHECKS = [
    no_defect,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def drawing(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_openapi_3_1_with_every_error() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    for method, path, operation in operations():
        assert {"401", "403", "422", "429", "503"} <= set(operation["responses"]), (method, path)
        assert operation["security"], (method, path)
        if "{" in path:
            assert "404" in operation["responses"], (method, path)


def test_every_body_has_an_example() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for method, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = content["schema"]
        if "anyOf" in schema:  # a body that may be left out
            schema = schema["anyOf"][0]
        named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
        assert content.get("example") or named.get("examples"), (method, path)


REFERENCES: dict[str, dict[str, Any]] = {
    "/calls": {"to": "+12125550143", "agent": "a", "line": "simulated", "contact_id": "nobody"},
    "/appointments": {"starts_at": "2030-01-01T10:00:00Z", "contact_id": "nobody"},
    "/phone-numbers": {"phone": "+12125550143", "agent_id": "nobody", "line": "nowhere"},
    "/agents": {"name": "n", "line": "nowhere"},
}  # fmt: skip


@pytest.mark.parametrize("path", REFERENCES)
async def test_a_reference_to_nothing_has_a_documented_answer(us: Customer, path: str) -> None:
    answer = await us.http.post(f"/v1{path}", json=REFERENCES[path])
    assert str(answer.status_code) in DOCUMENT["paths"][path]["post"]["responses"], answer.text
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize("examples", EXAMPLES)
async def test_nothing_undocumented_is_answered(us: Customer, examples: int) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    base = f"{str(us.http.base_url).rstrip('/')}/v1"
    failures: list[str] = []
    run = drawing(examples)

    def try_all() -> None:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            try_operation(result.ok(), base, us.headers, run, failures)

    await asyncio.to_thread(try_all)
    assert failures == []


def try_operation(
    operation: Any, base: str, headers: dict[str, str], run: settings, failures: list[str]
) -> None:
    with httpx.Client(trust_env=False, verify=False, timeout=30) as http:
        one = asker(http, base, headers)
        tried = cast("Callable[[], None]", run(given(operation.as_strategy())(one)))  # type: ignore[no-untyped-call]
        try:
            tried()
        except (Exception, BaseExceptionGroup) as error:
            failures.append(f"{operation.label}: {error}")


def as_text(part: tuple[str, Any]) -> tuple[str, Any]:
    """A part of a form whose content is text or bytes, as httpx wants it: numbers are drawn too."""
    name, value = part
    if not isinstance(value, tuple):
        return name, value if isinstance(value, bytes | str) else str(value)
    label, content, *rest = value
    return name, (label, content if isinstance(content, bytes | str) else str(content), *rest)


def asker(http: httpx.Client, base: str, headers: dict[str, str]) -> Callable[[Any], None]:
    """Sends a case and looks at its answer. schemathesis' own transport looks into urllib3, in
    whose place another dependency puts a fork of it."""

    def one(case: Any) -> None:
        request = case.as_transport_kwargs(base_url=base, headers=headers)
        assert not request.pop("cookies", None)
        if isinstance(request.get("data"), bytes | str):
            request["content"] = request.pop("data")
        request["files"] = [as_text(part) for part in request.get("files") or ()]
        sent = http.build_request(**request)
        sent.read()  # a form is a stream, and a failed check shows the request
        case.validate_response(http.send(sent), checks=CHECKS, headers=headers)

    return one
