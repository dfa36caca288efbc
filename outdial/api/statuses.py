"""The HTTP status of each error, by its code: one table for the three kinds of APIs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple

from outdial.dispatch.errors import TemporalRefused
from outdial.domain.errors import OutdialError

log = logging.getLogger(__name__)

Door = Literal["v1", "compat", "hooks"]


class HttpStatus(NamedTuple):
    """None where an API can't raise the error: there it is a defect, answered with 500."""

    v1: int | None = None
    """/v1, our own API."""
    compat: int | None = None
    """/compat/…: other systems' APIs, most of which know no 409, 412 and 422."""
    hooks: int | None = None
    """Webhooks of providers, and whatever else is no API."""


HTTP_STATUS: Mapping[str, HttpStatus] = {
    # Who asks
    "key_refused": HttpStatus(v1=401, compat=401),
    "key_disabled": HttpStatus(v1=403, compat=403),
    "scope_missing": HttpStatus(v1=403, compat=403),
    "key_outranked": HttpStatus(v1=403, compat=403),
    "too_many_requests": HttpStatus(v1=429, compat=429),
    "quota_used_up": HttpStatus(v1=429, compat=429),
    "too_many_uploads": HttpStatus(v1=429),
    "webhook_refused": HttpStatus(compat=401, hooks=401),
    # What was sent
    "body_invalid": HttpStatus(v1=422, compat=400),
    "body_too_large": HttpStatus(v1=413, compat=413, hooks=413),
    "body_too_slow": HttpStatus(v1=408, compat=408, hooks=408),
    "definition_invalid": HttpStatus(v1=422),
    "request_refused": HttpStatus(v1=422, compat=400),
    "rules_invalid": HttpStatus(v1=422, compat=400),
    "reserved_name": HttpStatus(v1=422),
    "statement_refused": HttpStatus(v1=422, compat=400),
    "no_callable_recipients": HttpStatus(v1=422, compat=400),
    "report_too_large": HttpStatus(v1=422, compat=400),
    "plan_too_large": HttpStatus(v1=422, compat=400),
    "unknown_line": HttpStatus(v1=422, compat=400, hooks=404),
    "no_line_chosen": HttpStatus(v1=422, compat=400, hooks=404),
    # What it is about
    "not_found": HttpStatus(v1=404, compat=404),
    "no_such_campaign": HttpStatus(v1=404, compat=400),
    "no_such_recipient": HttpStatus(v1=404, compat=400),
    "launch_closing": HttpStatus(v1=409, compat=400),
    "conflict": HttpStatus(v1=409, compat=400),
    "request_in_progress": HttpStatus(v1=409, compat=400),
    "change_refused": HttpStatus(v1=409, compat=400),
    "illegal_transition": HttpStatus(v1=409),
    "staging_ended": HttpStatus(v1=409),
    "campaign_running": HttpStatus(v1=409),
    "campaign_ended": HttpStatus(v1=409),
    "purpose_changed": HttpStatus(v1=409),
    "name_changed": HttpStatus(v1=409),
    "revision_changed": HttpStatus(v1=409),
    "proposal_gone": HttpStatus(v1=409),
    "canary_running": HttpStatus(v1=409),
    "canary_too_small": HttpStatus(v1=409),
    "precondition_failed": HttpStatus(v1=412, compat=409),
    "stale_plan": HttpStatus(v1=409, compat=409),
    # What can't be done here, or not now
    "not_offered": HttpStatus(v1=501, compat=501),
    "upload_not_stored": HttpStatus(v1=503),
    "worker_timeout": HttpStatus(v1=503, compat=400),
    "temporal_unavailable": HttpStatus(v1=503, compat=503),
    "temporal_refused": HttpStatus(v1=502, compat=502),  # it would be refused again
    "row_process_failed": HttpStatus(v1=503),
    "rehearsal_failed": HttpStatus(v1=503),
    "database_unavailable": HttpStatus(v1=503, compat=503, hooks=503),
    # What a provider answered
    "provider_error": HttpStatus(compat=502),
    "not_placed": HttpStatus(compat=502),
    "provider_throttled": HttpStatus(compat=502),
    "provider_rejected": HttpStatus(compat=502),
    "unsendable": HttpStatus(compat=502),
    "provider_refused": HttpStatus(compat=502),
    "provider_blocked": HttpStatus(compat=502),
    "provider_misconfigured": HttpStatus(compat=502),
    "provider_unavailable": HttpStatus(compat=502),
    "placement_unknown": HttpStatus(compat=502),
}


def status_of(error: OutdialError, door: Door) -> int:
    """The status of an error in one kind of API.

    Raises the error itself where it has none: it goes on to whatever answers and logs defects.
    """
    statuses = HTTP_STATUS.get(error.code)
    status = getattr(statuses, door) if statuses is not None else None
    if status is None:
        raise error
    return int(status)


def text_of_error(error: OutdialError) -> str:
    """The text for a client: without SQL statements, database connections or what Temporal says of
    its configuration."""
    if error.code == "database_unavailable":
        return "the database does not answer; try again soon"
    if isinstance(error, TemporalRefused):
        log.error("%s", error)
        return f"Temporal refuses what this needs, so {error.doing}; the operator's log says why"
    if error.code == "statement_refused":
        log.warning("%s", error)
        return "found a value that can't be kept, such as a text with a NUL character"
    return str(error)
