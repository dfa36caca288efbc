"""Every refusal that a test of /v1 gets is one that the OpenAPI document names."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx

from outdial.api.v1.app import create_v1

BETWEEN = {404: "not_found", 405: "method_not_allowed"}
"""Of requests that are no operation."""


@cache
def _operations() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Fixed paths first: `/campaigns/plan` is no campaign."""
    paths = create_v1().openapi()["paths"]
    return [
        (re.compile("/v1" + re.sub(r"\{\w+\}", "[^/]+", path)), paths[path])
        for path in sorted(paths, key=lambda path: path.count("{"))
    ]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    for pattern, methods in _operations():
        if pattern.fullmatch(path) and method.lower() in methods:
            operation: dict[str, Any] = methods[method.lower()]
            return operation
    return None


async def require_documented(response: httpx.Response) -> None:
    """A hook for a client: fails on a problem that its operation does not list."""
    if response.is_success:
        return
    await response.aread()
    request, status = response.request, response.status_code
    problem = response.headers.get("content-type", "") == "application/problem+json"
    code = response.json()["code"] if problem else None
    operation = operation_of(request.method, request.url.path)
    if operation is None:
        assert code is None or code == BETWEEN.get(status), (request, code)
        return
    listed = operation["responses"].get(str(status), {}).get("x-problem-codes", [])
    assert code in listed, f"{request.method} {request.url.path}: {status} {code} is not listed"
