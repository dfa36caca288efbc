"""The problems that an operation may answer with, by their codes, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outdial.api.statuses import HTTP_STATUS
from outdial.api.v1.problems import CODE_OF_STATUS, MEDIA_TYPE, PROBLEM_CODE, Problem, title_of

MEANINGS: Mapping[str, str] = {
    "unauthorized": "The request has no key, or one that is not valid.",
    "key_disabled": "The key is disabled.",
    "scope_missing": "The key does not have the scope that this needs.",
    "key_outranked": "The other key may do more than yours.",
    "invalid": "A field or parameter is not as documented; `errors` names each.",
    "invalid_definition": "The definition has problems; `errors` names each, with its line.",
    "unknown_line": "There is no such line, or several and none was chosen.",
    "no_callable_recipients": "No recipient could ever be called.",
    "report_too_large": "The launch is too large for this; `outdial report` reads any.",
    "plan_too_large": "The roster is too large for this; `outdial plan` takes any.",
    "not_found": "There is no such thing, or it is another tenant's.",
    "conflict": "It contradicts what is there, such as a number that is taken; or the "
    "Idempotency-Key was used with another request.",
    "request_in_progress": "The first request with this Idempotency-Key is being carried out; send "
    "it again after `Retry-After` seconds.",
    "campaign_running": "A campaign of this name is running already.",
    "campaign_over": "The campaign has ended.",
    "change_refused": "The present state does not allow it.",
    "purpose_changed": "A campaign keeps its purpose.",
    "name_changed": "A campaign keeps its name.",
    "stale_plan": "The plan was made of other inputs than there are now; make a new one.",
    "launch_closing": "The launch is about to end; try again when it has.",
    "launch_interrupted": "Another launch or change of the campaign came first; send it again.",
    "precondition_failed": "It has changed since the version in `If-Match`.",
    "request_timeout": "The body took too long to arrive.",
    "request_entity_too_large": "The body is larger than this operation takes.",
    "too_many_requests": "Too many requests; try again after `Retry-After` seconds.",
    "quota_used_up": "The calls of the last 24 hours are used up.",
    "too_many_uploads": "Too many large launches or additions are under way.",
    "upload_not_stored": "The upload could not be stored; try again.",
    "row_process_failed": "A process that checks contacts has failed; try again.",
    "rehearsal_failed": "A process that rehearses has failed; try again.",
    "no_worker": "No worker answered; the change takes effect when one runs.",
    "temporal_refused": "Temporal refuses what this needs; the operator's log says why.",
    "temporal_unavailable": "Temporal does not answer; try again after `Retry-After` seconds.",
    "database_unavailable": "The database does not answer; try again after `Retry-After` seconds.",
}
"""What each code says. It is the description in the document, and the example's `detail`."""


def _statuses() -> dict[str, int]:
    own = {
        code: status.v1
        for error, status in HTTP_STATUS.items()
        if status.v1 is not None and (code := PROBLEM_CODE.get(error)) is not None
    }
    return own | {code: status for status, code in CODE_OF_STATUS.items()}


STATUS_OF: Mapping[str, int] = _statuses()
"""The HTTP status of each problem code."""

_OF_EVERY_OPERATION = (
    "unauthorized",
    "key_disabled",
    "scope_missing",
    "invalid",
    "too_many_requests",
    "temporal_refused",
    "temporal_unavailable",
    "database_unavailable",
)
WITH_BODY = ("request_timeout", "request_entity_too_large")
"""Of every operation that takes a body."""
BY_UPLOAD = ("quota_used_up", "too_many_uploads", "upload_not_stored", "row_process_failed")
"""Of operations that read a roster, which may be a large one."""
OF_KEY = ("conflict", "request_in_progress")
"""Of operations that take an Idempotency-Key."""
OF_DEFINITION = ("invalid_definition", "unknown_line", "no_callable_recipients")
"""Of operations that take a definition."""


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The responses of a route besides its own: problems with these codes, and those that every
    operation may answer with."""
    return _responses(codes)


def _responses(codes: tuple[str, ...]) -> dict[int | str, dict[str, Any]]:
    statuses = sorted({STATUS_OF[code] for code in codes})
    every = dict.fromkeys((*_OF_EVERY_OPERATION, *codes))
    return {
        status: problem_response(status, [code for code in every if STATUS_OF[code] == status])
        for status in statuses
    }


def problem_response(status: int, codes: list[str]) -> dict[str, Any]:
    """A response of the document: a problem with one of these codes."""
    listed = "\n".join(f"- `{code}`: {MEANINGS[code]}" for code in codes)
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": f"{title_of(status)}:\n\n{listed}",
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
        "x-problem-codes": codes,
    }


ALWAYS = _responses(_OF_EVERY_OPERATION)
"""Responses that every operation may return."""


def example_problems() -> dict[str, dict[str, Any]]:
    """The document's `components.examples`: one problem of each code."""
    return {code: {"summary": text, "value": _example(code)} for code, text in MEANINGS.items()}


def _example(code: str) -> dict[str, Any]:
    status = STATUS_OF[code]
    problem = Problem(title=title_of(status), status=status, detail=MEANINGS[code], code=code)
    return problem.model_dump(exclude={"errors"})
