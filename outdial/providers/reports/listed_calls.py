"""Finds our call in a provider's list of calls, when the response that named it was lost.

Where the provider gives our id back, that decides. Where it gives nothing back, a call to the
same number made since is ours, if there is only one: we never have two live calls to a number.
That such a list holds no call of ours proves nothing, hence `NEVER_PROVEN`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

NEVER_PROVEN = timedelta(days=1)
"""As `listing_lag` of a provider whose list is not documented to be complete and current: longer
than any call lasts, so that a call is never taken for unplaced because it is not listed."""


@dataclass(frozen=True, slots=True)
class Listed:
    provider_call_id: str
    call_id: str | None
    """Our id, when the provider gives it back."""
    to: str | None
    made_at: datetime | None


def ours(calls: Iterable[Listed], *, call_id: str, to: str, since: datetime) -> str | None:
    """The provider's id of our call; None when it is not listed, or is ambiguous."""
    listed = list(calls)
    for one in listed:
        if one.call_id == call_id:
            return one.provider_call_id
    # Many write whole seconds: a call made within the one in which ours was is not older.
    begin = since.replace(microsecond=0)
    alike = {
        one.provider_call_id
        for one in listed
        if one.call_id is None and one.to == to and one.made_at is not None and one.made_at >= begin
    }
    return alike.pop() if len(alike) == 1 else None
