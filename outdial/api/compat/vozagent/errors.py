"""Errors as VozAgent writes them (docs.vozagent.ai/developers/api): `{"error": {code, message,
details}}`. The only code it shows is `invalid_request`; the others are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from outdial.api.compat.refusals import text_of

_CODE = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    429: "rate_limited",
}
_MISSING = "The request body is missing required fields"


class Reason(BaseModel):
    code: str
    message: str
    details: dict[str, Any] | None = None


class Refused(BaseModel):
    error: Reason


def write_error(
    request: Request, status: int, text: str, headers: Mapping[str, str]
) -> JSONResponse:
    code = "internal_error" if status >= 500 else _CODE.get(status, "invalid_request")
    return _answer(Reason(code=code, message=text), status, headers)


async def unreadable(request: Request, error: Exception) -> JSONResponse:
    """What could not be read; missing fields by their names."""
    assert isinstance(error, RequestValidationError)
    missing = [
        str(one["loc"][-1])
        for one in error.errors()
        if one["type"] == "missing" and one["loc"][0] == "body" and len(one["loc"]) > 1
    ]
    if not missing:
        return _answer(Reason(code="invalid_request", message=text_of(request, error)), 400, {})
    reason = Reason(code="invalid_request", message=_MISSING, details={"missing_fields": missing})
    return _answer(reason, 400, {})


def _answer(reason: Reason, status: int, headers: Mapping[str, str]) -> JSONResponse:
    body = Refused(error=reason).model_dump(exclude_none=True)
    return JSONResponse(body, status, headers=dict(headers))
