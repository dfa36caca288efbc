"""Errors of /v1 as problem details (RFC 9457): one place where each gets its status code."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from outdial.api.admission import BodyInvalid
from outdial.api.refused_fields import refused_fields
from outdial.intake.problems import DefinitionInvalid
from outdial.providers.lines import UnknownLine
from outdial.services import errors as refused
from outdial.store.db import errors as stored

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""When the database or Temporal is back nobody knows; soon enough to notice."""


class FieldProblem(BaseModel):
    """One thing that is wrong with what was sent."""

    field: str
    """Where it stands."""
    message: str
    line: int | None = None
    column: int | None = None


class Problem(BaseModel):
    """RFC 9457; `code` is for programs, `detail` for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "there is no call 'c9…'",
                    "code": "not_found",
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = Field(default_factory=list)


_STATUS: dict[type[Exception], tuple[int, str]] = {
    refused.NoSuchCampaign: (404, "not_found"),
    refused.NoSuchPerson: (404, "not_found"),
    refused.NotFound: (404, "not_found"),
    refused.LaunchClosing: (409, "launch_closing"),
    refused.Collision: (409, "conflict"),
    refused.ChangeRefused: (409, "change_refused"),
    refused.PreconditionFailed: (412, "precondition_failed"),
    refused.NobodyCallable: (422, "nobody_callable"),
    refused.RulesInvalid: (422, "invalid"),
    refused.RequestRefused: (422, "invalid"),
    refused.KeyRefused: (401, "unauthorized"),
    refused.KeyDisabled: (403, "key_disabled"),
    refused.ScopeMissing: (403, "scope_missing"),
    refused.KeyOutranked: (403, "key_outranked"),
    refused.TooManyRequests: (429, "too_many_requests"),
    refused.QuotaUsedUp: (429, "quota_used_up"),
    refused.NotOffered: (501, "not_offered"),
    refused.NobodyAnswered: (503, "no_worker"),
    refused.TemporalUnavailable: (503, "temporal_unavailable"),
    stored.DatabaseUnavailable: (503, "database_unavailable"),
    stored.CampaignEnded: (409, "campaign_over"),
    stored.CampaignRunning: (409, "campaign_running"),
    stored.IllegalTransition: (409, "change_refused"),
    stored.PurposeChanged: (409, "purpose_changed"),
    stored.NameChanged: (409, "name_changed"),
    stored.ReservedName: (422, "invalid"),
    stored.StatementRefused: (422, "invalid"),
    stored.UnknownLine: (422, "unknown_line"),
    UnknownLine: (422, "unknown_line"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The responses of a route besides its own, for the OpenAPI document."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


ALWAYS = documented(401, 403, 422, 429, 503)
"""What any route may answer."""


def install_problems(app: FastAPI) -> None:
    """Answer every error of this application as problem details."""
    for error in _STATUS:
        app.add_exception_handler(error, _told)
    app.add_exception_handler(DefinitionInvalid, _definition_invalid)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, http_problem)
    app.add_exception_handler(Exception, _defect)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=errors or [],
    )
    body = told.model_dump(exclude_none=True)
    if not told.errors:
        del body["errors"]
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


async def _told(request: Request, error: Exception) -> JSONResponse:
    status, code = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    headers = {}
    if isinstance(error, refused.TooManyRequests):
        headers["retry-after"] = str(error.retry_after)
        request.state.usages = (error.usage,)
    elif status == 503:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        log.error("%s: %s", type(error).__name__, error)
    elif status == 401:
        headers["www-authenticate"] = 'Bearer realm="outdial"'
    return problem(status, code, _words(error), headers=headers)


def _words(error: Exception) -> str:
    if isinstance(error, stored.DatabaseUnavailable):
        return "the database does not answer; nothing was changed"
    if isinstance(error, stored.StatementRefused):
        log.warning("%s", error)
        return "found a value that can't be kept, such as a text with a NUL character"
    return str(error)


async def _definition_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DefinitionInvalid)
    found = [
        FieldProblem(field=one.field, message=one.message, line=one.line, column=one.column)
        for one in error.problems
    ]
    more = f", and {error.omitted} more" if error.omitted else ""
    detail = f"{len(found)} problems{more}"
    if len(found) == 1:
        detail = f"{found[0].field}: {found[0].message}"
    return problem(422, "invalid_definition", detail, errors=found)


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = [
        FieldProblem(field=".".join(one.place), message=one.message)
        for one in refused_fields(request, error)
    ]
    detail = "; ".join(f"{one.field}: {one.message}" for one in found[:3])
    return problem(422, "invalid", detail, errors=found)


async def http_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error, BodyInvalid):
        found = FieldProblem(field=error.field, message=error.message)
        return problem(422, "invalid", error.detail, errors=[found])
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    detail = error.detail
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}"
    return problem(error.status_code, code, detail, headers=error.headers)


async def _defect(request: Request, error: Exception) -> JSONResponse:
    """A mistake of ours; the server logs it. Nothing of it is told."""
    return problem(500, "internal", "this is a mistake of the server's; it has been logged")
