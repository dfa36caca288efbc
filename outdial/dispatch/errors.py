"""Translates errors of the Temporal SDK; the only place that tells an outage from a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from outdial.domain.errors import OutdialError

_NEVER_CONNECTED = "Failed client connect: "
"""How the SDK's core begins the text of the bare RuntimeError that a client raises which connects
at first use and can't. It has no type of its own."""
_TURNED_AWAY = re.compile(r'Status \{ code: (PermissionDenied|Unauthenticated), message: "(.*?)"')
"""What the same text has in it when the server answered, and lets these credentials not in."""
_NOT_TEMPORAL = "grpc-status header missing"
"""How the text of an answer begins that came from a proxy, whose status says nothing lasting."""

_REFUSALS = frozenset(
    {
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.ALREADY_EXISTS,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.OUT_OF_RANGE,
        RPCStatusCode.UNIMPLEMENTED,
    }
)
"""Statuses of a request that is refused however often it is sent. FAILED_PRECONDITION is none of
them: it is the one of a namespace that is active elsewhere during a failover, of a workflow that is
not ready for an update, and of a run that has had its most updates and is about to continue as new.
"""


class TemporalUnavailable(OutdialError):
    """Temporal did not carry out a request: it does not answer, or can't do so now."""

    code = "temporal_unavailable"

    def __init__(self, doing: str) -> None:
        super().__init__(f"Temporal does not answer, so {doing}")


class TemporalRefused(OutdialError):
    """Temporal refused a request, and would again: credentials, a namespace or a value is wrong.

    `message` is its own text, `doing` what was left undone, and `invalid` whether the request
    itself is wrong.
    """

    code = "temporal_refused"

    def __init__(self, message: str, doing: str, *, invalid: bool = False) -> None:
        self.message = message.rstrip(".")
        self.doing = doing
        self.invalid = invalid
        super().__init__(f"Temporal refused: {self.message}; so {doing}")


class WorkflowNotFound(OutdialError):
    """No workflow of this id is open."""

    code = "workflow_not_found"


class WorkflowFailed(OutdialError):
    """A workflow ended without a result. `reason` is what it says itself; None when it was ended
    from outside."""

    code = "workflow_failed"

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason or "the workflow was ended from outside")
        self.reason = reason


class UpdateRefused(OutdialError):
    """A workflow refused an update; the text is the reason that it gives."""

    code = "update_refused"


class WorkerTimeout(OutdialError):
    """No worker took up an update in time; it may still happen."""

    code = "worker_timeout"

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"no worker answered for {campaign}; the change is made as soon as one runs"
        )


def reason_of(error: WorkflowFailureError | WorkflowUpdateFailedError) -> str | None:
    """The text of the error that the workflow raised, from under Temporal's wrapping."""
    cause: BaseException | None = error.cause
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = getattr(cause, "cause", None)
    return None if cause is None else cause.message


def is_not_found(error: BaseException | None) -> bool:
    """Whether it is Temporal's answer that there is no such open workflow.

    A namespace that is not found is something else: of its workflows nothing is known.
    """
    if not isinstance(error, RPCError) or error.status is not RPCStatusCode.NOT_FOUND:
        return False
    details = error.grpc_status.details if error.raw_grpc_status else ()
    return not any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in details)


def refusal_text(error: BaseException) -> str | None:
    """Temporal's own text when it refuses a request however often it is sent; else None."""
    if isinstance(error, RPCError):
        lasting = error.status in _REFUSALS and not error.message.startswith(_NOT_TEMPORAL)
        return error.message if lasting else None
    if _never_connected(error):
        turned_away = _TURNED_AWAY.search(str(error))
        return turned_away and (turned_away[2] or turned_away[1])
    return None


def failure_of(error: BaseException, doing: str) -> TemporalUnavailable | TemporalRefused | None:
    """What an error of the SDK means when it says that Temporal did not carry out a request.

    None for every other one: a RuntimeError is a defect of ours, of a payload converter's, or of
    the SDK's use. `doing` completes the text: what was left undone.
    """
    if isinstance(error, TemporalUnavailable | TemporalRefused):
        return error
    if not isinstance(error, RPCError) and not _never_connected(error):
        return None
    refusal = refusal_text(error)
    if refusal is None:
        return TemporalUnavailable(doing)
    invalid = isinstance(error, RPCError) and error.status is RPCStatusCode.INVALID_ARGUMENT
    return TemporalRefused(refusal, doing, invalid=invalid)


def _never_connected(error: BaseException) -> bool:
    return type(error) is RuntimeError and str(error).startswith(_NEVER_CONNECTED)


@contextmanager
def failures_translated(doing: str) -> Iterator[None]:
    """Raise TemporalRefused for what Temporal refuses, and TemporalUnavailable for what the SDK
    raises when it is away.

    `doing` completes their texts: what was left undone. Anything else passes as it is.
    """
    try:
        yield
    except Exception as error:
        failure = failure_of(error, doing)
        if failure is None or failure is error:
            raise
        raise failure from error
