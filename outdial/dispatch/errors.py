"""Translates errors of the Temporal SDK; the only place that recognizes an outage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from outdial.domain.errors import OutdialError

_NEVER_CONNECTED = "Failed client connect: "
"""How the SDK's core begins the text of the bare RuntimeError that a client raises which connects
at first use and can't. It has no type of its own."""


_REFUSALS = frozenset(
    {
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.ALREADY_EXISTS,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.OUT_OF_RANGE,
        RPCStatusCode.UNIMPLEMENTED,
    }
)
"""Statuses of a request that is refused however often it is sent."""


class TemporalUnavailable(OutdialError):
    """Temporal did not carry out a request: it does not answer, or answers with an error."""

    code = "temporal_unavailable"

    def __init__(self, doing: str) -> None:
        super().__init__(f"Temporal does not answer, so {doing}")


class TemporalRefused(OutdialError):
    """Temporal refused a request; `message` is its own text, and `invalid` whether the request
    itself is wrong."""

    code = "temporal_refused"

    def __init__(self, error: RPCError) -> None:
        super().__init__(f"Temporal refused: {error.message}")
        self.invalid = error.status is RPCStatusCode.INVALID_ARGUMENT
        self.message = error.message


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


def is_outage(error: BaseException) -> bool:
    """Whether it says that Temporal did not carry out a request.

    Every other RuntimeError is a defect: of ours, of a payload converter's, or of the SDK's use.
    """
    if isinstance(error, RPCError | TemporalUnavailable):
        return True
    return type(error) is RuntimeError and str(error).startswith(_NEVER_CONNECTED)


def is_not_found(error: BaseException | None) -> bool:
    """Whether it is Temporal's answer that there is no such open workflow."""
    return isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND


def is_refusal(error: RPCError) -> bool:
    """Whether Temporal answered, and refuses the request however often it is sent."""
    return error.status in _REFUSALS


@contextmanager
def outages_translated(doing: str) -> Iterator[None]:
    """Raise TemporalUnavailable for what the SDK raises when Temporal is away.

    `doing` completes its text: what was left undone. Anything else passes as it is.
    """
    try:
        yield
    except TemporalUnavailable:
        raise
    except Exception as error:
        if not is_outage(error):
            raise
        raise TemporalUnavailable(doing) from error


@contextmanager
def refusals_translated(doing: str) -> Iterator[None]:
    """As `outages_translated`, and raise TemporalRefused for what Temporal refuses."""
    with outages_translated(doing):
        try:
            yield
        except RPCError as error:
            if not is_refusal(error):
                raise
            raise TemporalRefused(error) from error
