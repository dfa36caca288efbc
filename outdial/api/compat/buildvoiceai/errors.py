"""Errors as BuildVoiceAI writes them (docs.buildvoiceai.com/docs/reference):
`{"success": false, "error": "<text>"}` with one of seven statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

_FAULTS = frozenset({502, 503})
"""Its table knows no fault but 500."""


class Refused(BaseModel):
    success: Literal[False] = False
    error: str


def write_error(
    request: Request, status: int, text: str, headers: Mapping[str, str]
) -> JSONResponse:
    if status == 401:
        text = "Invalid API key"
    elif status == 429:
        text = f"Rate limit exceeded. Retry after {headers['retry-after']} seconds."
    elif status in _FAULTS:
        status = 500
    return JSONResponse(Refused(error=text).model_dump(), status, headers=dict(headers))
