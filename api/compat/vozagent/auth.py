"""Who may ask, and how often. VozAgent promises "fair usage" without a number, so the limits are
those of /v1."""

from typing import Any

from fastapi import Depends, Request

from api.compat.bearer import admit_bearer
from api.state import state_of
from services.access import Caller

NAME = "vozagent"


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""

    async def admitted(request: Request) -> Caller:
        rules = state_of(request).policy.rules
        return await admit_bearer(request, scope=scope, door=NAME, rules=rules)

    return Depends(admitted)
