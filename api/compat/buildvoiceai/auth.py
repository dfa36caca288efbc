"""Who may ask, and how often: 100 requests a minute and key
(docs.buildvoiceai.com/docs/reference)."""

from datetime import timedelta
from typing import Any

from fastapi import Depends, Request

from api.compat.bearer import admit_bearer
from services.access import Caller, RateRule

NAME = "buildvoiceai"
_RULES = (RateRule("key", 100, timedelta(minutes=1)),)


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""

    async def admitted(request: Request) -> Caller:
        return await admit_bearer(request, scope=scope, door=NAME, rules=_RULES)

    return Depends(admitted)
