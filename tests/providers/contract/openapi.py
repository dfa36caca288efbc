"""Requests and answers checked against a provider's published OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.providers.contract.server import Answer, Request


class NotAsPublished(AssertionError):
    """A request or an answer is not what the description says."""


class OpenApi:
    """One description; 3.0's `nullable` is understood."""

    def __init__(self, path: Path) -> None:
        self._spec = _load(path)

    def check_request(self, request: Request, prefix: str = "") -> None:
        """Raises NotAsPublished for an unknown path, query parameter or body field."""
        operation, path_parameters = self._operation(request, prefix)
        self._check_parameters(operation, path_parameters, request)
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            _require(not request.body, f"{request.path} takes no body")
            return
        if not request.body and not operation["requestBody"].get("required"):
            return
        kind = request.headers.get("content-type", "").split(";")[0]
        _require(kind in content, f"content type is {kind!r}, and should be {sorted(content)}")
        schema = content[kind]["schema"]
        body = request.json if kind == "application/json" else self._typed(schema, request.form)
        self._check_fields(schema, body)
        self._validate(schema, body, f"body of {request.path}")

    def check_answer(self, request: Request, answer: Answer, prefix: str = "") -> Answer:
        """The answer itself. Raises NotAsPublished when its schema forbids it."""
        operation, _ = self._operation(request, prefix)
        responses = operation["responses"]
        documented = responses.get(str(answer.status)) or responses.get("default") or {}
        schema = self._resolved(documented).get("content", {}).get("application/json", {})
        if "schema" in schema:
            self._validate(schema["schema"], json.loads(answer.body), f"answer of {request.path}")
        return answer

    def check_schema(self, name: str, value: Any) -> None:
        """Raises NotAsPublished when a value is not as a named schema says."""
        self._validate(self._spec["components"]["schemas"][name], value, name)

    def _operation(self, request: Request, prefix: str) -> tuple[dict[str, Any], dict[str, str]]:
        path = request.path.removeprefix(prefix)
        for template, operations in self._spec["paths"].items():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            match = re.fullmatch(pattern, path)
            operation = operations.get(request.method.lower())
            if match and operation is not None:
                shared = operations.get("parameters", [])
                own = operation.get("parameters", [])
                return operation | {"parameters": [*shared, *own]}, match.groupdict()
        raise NotAsPublished(f"nothing is published at {request.method} {path}")

    def _check_parameters(
        self, operation: dict[str, Any], path_parameters: Mapping[str, str], request: Request
    ) -> None:
        published = [self._resolved(one) for one in operation["parameters"]]
        for parameter in published:
            name = parameter["name"]
            if parameter["in"] == "path" and name in path_parameters:
                self._check_text(parameter, path_parameters[name])
        queries = {one["name"]: one for one in published if one["in"] == "query"}
        for name, value in request.query:
            _require(name in queries, f"query parameter {name} is not published")
            self._check_text(queries[name], value)

    def _check_text(self, parameter: Mapping[str, Any], value: str) -> None:
        schema = parameter.get("schema", {})
        self._validate(schema, self._from_text(schema, value), f"parameter {parameter['name']}")

    def _check_fields(self, schema: Mapping[str, Any], body: Any) -> None:
        published = set(self._properties(schema))
        unknown = set(body) - published if published else set()
        _require(not unknown, f"fields {sorted(unknown)} are not published")

    def _properties(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        schema = self._resolved(schema)
        properties = dict(schema.get("properties", {}))
        for key in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(key, []):
                properties |= self._properties(part)
        return properties

    def _typed(self, schema: Mapping[str, Any], form: list[tuple[str, str]]) -> dict[str, Any]:
        """A form as the JSON its schema describes."""
        properties = self._properties(schema)
        typed: dict[str, Any] = {}
        for name, text in form:
            field = self._resolved(properties.get(name, {}))
            if field.get("type") == "array":
                typed.setdefault(name, []).append(text)
            else:
                _require(name not in typed, f"{name} stands twice")
                typed[name] = self._from_text(field, text)
        return typed

    def _from_text(self, schema: Mapping[str, Any], text: str) -> Any:
        resolved = self._resolved(schema)
        kinds = {kind for one in _alternatives(resolved) for kind in _types(self._resolved(one))}
        if kinds & {"integer", "number", "boolean"} and "string" not in kinds:
            return json.loads(text)
        return [text] if kinds == {"array"} else text

    def _resolved(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            node: Any = self._spec
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            schema = node
        return dict(schema)

    def _validate(self, schema: Mapping[str, Any], value: Any, what: str) -> None:
        whole = {"components": self._spec.get("components", {}), **schema}
        errors = sorted(Draft202012Validator(whole).iter_errors(value), key=str)
        if errors:
            where = "/".join(str(part) for part in errors[0].absolute_path)
            raise NotAsPublished(f"{what}: {where}: {errors[0].message[:300]}")


def _alternatives(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        yield from schema.get(key, [])


def _types(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise NotAsPublished(message)


@cache
def _load(path: Path) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(path.read_text())
    _allow_null(spec)
    return spec


def _allow_null(node: Any) -> None:
    """Write 3.0's `nullable: true` as JSON Schema does."""
    if isinstance(node, list):
        for one in node:
            _allow_null(one)
    if not isinstance(node, dict):
        return
    for one in node.values():
        _allow_null(one)
    if node.pop("nullable", False) is True:
        if "type" in node:
            node["type"] = [*_types(node), "null"]
            if "enum" in node:
                node["enum"] = [*node["enum"], None]
        else:
            kept = dict(node)
            node.clear()
            node["anyOf"] = [kept, {"type": "null"}]
