"""Errors of /v1 as problem details (RFC 9457)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from outdial.api.admission import BodyInvalid
from outdial.api.refused_fields import refused_fields
from outdial.api.statuses import status_of, text_of_error
from outdial.api.uploads import TooManyUploads
from outdial.domain.errors import OutdialError
from outdial.intake.problems import DefinitionInvalid
from outdial.services.errors import RequestInProgress, TooManyRequests

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""It is unknown when the database or Temporal is back; clients should notice soon."""


class FieldProblem(BaseModel):
    """One problem of a request."""

    field: str
    """The path of the field."""
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


PROBLEM_CODE: Mapping[str, str] = {
    "not_found": "not_found",
    "no_such_campaign": "not_found",
    "no_such_recipient": "not_found",
    "launch_closing": "launch_closing",
    "conflict": "conflict",
    "request_in_progress": "request_in_progress",
    "change_refused": "change_refused",
    "illegal_transition": "change_refused",
    "staging_ended": "launch_interrupted",
    "precondition_failed": "precondition_failed",
    "stale_plan": "stale_plan",
    "no_callable_recipients": "no_callable_recipients",
    "report_too_large": "report_too_large",
    "plan_too_large": "plan_too_large",
    "body_invalid": "invalid",
    "rules_invalid": "invalid",
    "request_refused": "invalid",
    "reserved_name": "invalid",
    "statement_refused": "invalid",
    "definition_invalid": "invalid_definition",
    "unknown_line": "unknown_line",
    "no_line_chosen": "unknown_line",
    "key_refused": "unauthorized",
    "key_disabled": "key_disabled",
    "scope_missing": "scope_missing",
    "key_outranked": "key_outranked",
    "too_many_requests": "too_many_requests",
    "quota_used_up": "quota_used_up",
    "too_many_uploads": "too_many_uploads",
    "upload_not_stored": "upload_not_stored",
    "not_offered": "not_offered",
    "worker_timeout": "no_worker",
    "temporal_unavailable": "temporal_unavailable",
    "temporal_refused": "temporal_refused",
    "row_process_failed": "row_process_failed",
    "rehearsal_failed": "rehearsal_failed",
    "database_unavailable": "database_unavailable",
    "campaign_ended": "campaign_over",
    "campaign_running": "campaign_running",
    "purpose_changed": "purpose_changed",
    "name_changed": "name_changed",
    "revision_changed": "change_refused",
    "proposal_gone": "change_refused",
    "canary_running": "change_refused",
    "canary_too_small": "change_refused",
}
"""The `code` of the problem document of each error that has a status at /v1, by the error's own
code. Bodies that are too large or too slow have the code of their status, as every HTTPException.
"""

CODE_OF_STATUS: Mapping[int, str] = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_entity_too_large",
}
"""The `code` of a problem that has no error of ours, by its status."""
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 names them: before 3.13, Python has older names."""


def title_of(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def install_problems(app: FastAPI) -> None:
    """Answer every error of this application as problem details."""
    app.add_exception_handler(OutdialError, _refused)
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
    document = Problem(
        title=title_of(status),
        status=status,
        detail=detail,
        code=code,
        errors=errors or [],
    )
    body = document.model_dump(exclude_none=True)
    if not document.errors:
        del body["errors"]
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OutdialError)
    status = status_of(error, "v1")
    headers = {}
    if isinstance(error, TooManyRequests):
        headers["retry-after"] = str(error.retry_after)
        request.state.usages = (error.usage,)
    elif isinstance(error, TooManyUploads | RequestInProgress):
        headers["retry-after"] = str(error.retry_after)
    elif status == 503:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        log.error("%s: %s", type(error).__name__, error)
    elif status == 401:
        headers["www-authenticate"] = 'Bearer realm="outdial"'
    return problem(status, PROBLEM_CODE[error.code], text_of_error(error), headers=headers)


async def _definition_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DefinitionInvalid)
    fields = [
        FieldProblem(field=one.field, message=one.message, line=one.line, column=one.column)
        for one in error.problems
    ]
    more = f", and {error.omitted} more" if error.omitted else ""
    detail = f"{len(fields)} problems{more}"
    if len(fields) == 1:
        detail = f"{fields[0].field}: {fields[0].message}"
    return problem(status_of(error, "v1"), PROBLEM_CODE[error.code], detail, errors=fields)


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [
        FieldProblem(field=".".join(one.place), message=one.message)
        for one in refused_fields(request, error)
    ]
    detail = "; ".join(f"{one.field}: {one.message}" for one in fields[:3])
    return problem(422, "invalid", detail, errors=fields)


async def http_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error, BodyInvalid):
        field = FieldProblem(field=error.field, message=error.message)
        code = PROBLEM_CODE[error.code]
        return problem(status_of(error, "v1"), code, error.detail, errors=[field])
    status = error.status_code
    code = CODE_OF_STATUS.get(status) or title_of(status).lower().replace(" ", "_")
    detail = error.detail
    if status == 404:
        detail = f"no such resource: {request.url.path}"
    return problem(status, code, detail, headers=error.headers)


async def _defect(request: Request, error: Exception) -> JSONResponse:
    """A defect: logged by the server, no detail of it is returned."""
    return problem(500, "internal", "internal error; it has been logged")
