"""Who asks a compatible API: our own keys as bearer tokens, counted by the system's limits."""

from __future__ import annotations

from typing import Any

from fastapi import Depends

from outdial.api.admission import Admission, token_of
from outdial.services.accounts.access import RateRule


def bearer(scope: str, door: str, *rules: RateRule) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""
    return Depends(Admission(scope, door, token_of, lambda _: rules))
