"""Instants as people read them: by the clock of whom they are about first, in UTC behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from outdial.domain.clocks import load_zone

_OF_UTC = ("UTC", "Etc/UTC")


def dated_time(at: datetime, zones: Sequence[str]) -> str:
    """`Tue 2030-03-05 10:00 in America/Denver (17:00 UTC)`; the first of the zones is shown.

    Without one, and where that is UTC itself, `Tue 2030-03-05 17:00 UTC`.
    """
    utc = at.astimezone(UTC)
    if not zones or zones[0] in _OF_UTC:
        return f"{utc:%a %Y-%m-%d %H:%M} UTC"
    local = at.astimezone(load_zone(zones[0]))
    behind = f"{utc:%H:%M}" if utc.date() == local.date() else f"{utc:%Y-%m-%d %H:%M}"
    return f"{local:%a %Y-%m-%d %H:%M} in {zones[0]} ({behind} UTC)"
