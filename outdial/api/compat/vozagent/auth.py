"""Who may ask, and how often. VozAgent promises "fair usage" without a number, so the limits are
those of /v1."""

from typing import Any

from fastapi import Depends

from outdial.api.admission import Admission, token_of
from outdial.api.state import state_of

NAME = "vozagent"


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""
    return Depends(Admission(scope, NAME, token_of, lambda request: state_of(request).policy.rules))
