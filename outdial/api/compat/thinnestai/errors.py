"""Errors as thinnestAI writes them: `{"detail": …, "status": …}`
(docs.thinnest.ai/api-reference)."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class Refused(BaseModel):
    detail: str
    status: int


def write_error(
    request: Request, status: int, text: str, headers: Mapping[str, str]
) -> JSONResponse:
    return JSONResponse(
        Refused(detail=text, status=status).model_dump(), status, headers=dict(headers)
    )
