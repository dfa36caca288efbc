"""Errors of the Temporal SDK, translated: the one place that knows how an outage looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.service import RPCError, RPCStatusCode

from outdial.domain.errors import OutdialError

_NEVER_CONNECTED = "Failed client connect: "
"""How the SDK's core begins the text of the bare RuntimeError that a client raises which connects
at first use and can't. There is no type to tell it by."""


class TemporalUnavailable(OutdialError):
    """Temporal did not carry out a request: it does not answer, or answers with an error."""

    code = "temporal_unavailable"

    def __init__(self, doing: str) -> None:
        super().__init__(f"Temporal does not answer, so {doing}")


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
