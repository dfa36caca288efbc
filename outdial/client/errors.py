"""Errors of the client."""

from __future__ import annotations

from outdial.client.models.shared import Problem
from outdial.domain.errors import OutdialError


class ApiError(OutdialError):
    """The API refused a request, or could not carry it out.

    `problem.code` says what it was, for programs: the codes of each operation are in the OpenAPI
    document. `problem` is None where the answer is not the API's own, such as a proxy's.
    """

    code = "api_error"

    def __init__(self, status: int, problem: Problem | None, retry_after: float | None) -> None:
        self.status = status
        self.problem = problem
        self.retry_after = retry_after
        """Seconds, where the API says so."""
        text = f"HTTP status {status}" if problem is None else f"{problem.code}: {problem.detail}"
        super().__init__(text)


class ApiUnreachable(OutdialError):
    """There was no answer. What was sent may have been carried out all the same: a request with
    the same idempotency key tells."""

    code = "api_unreachable"


class WebhookRefused(OutdialError):
    """The webhook is not signed with this secret, too old, or no event of ours."""

    code = "webhook_not_verified"
