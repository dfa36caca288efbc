"""Errors as Voxpria's envelope suggests: `{"success": false, "error": "<text>"}`. No page of
theirs shows one; every answer is JSON, because their Python sample reads it unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class Refused(BaseModel):
    success: Literal[False] = False
    error: str


def write_error(
    request: Request, status: int, text: str, headers: Mapping[str, str]
) -> JSONResponse:
    return JSONResponse(Refused(error=text).model_dump(), status, headers=dict(headers))
