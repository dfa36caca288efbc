"""A canary as it is stored."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from outdial.domain.canary.evidence import Evidence
from outdial.domain.canary.verdict import CanaryState

CANARY_AUTHOR = "canary"
"""Who makes the revision by which a canary ends by itself."""


class CanaryRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    launch: int
    state: CanaryState
    base_revision: int
    """The campaign's revision, which the rest is called under."""
    revision: int
    """The revision that the canary is called under."""
    share: float
    """Of the recipients that waited for a call when it began."""
    seed: str
    """The arm of each recipient follows from it."""
    needed: int
    """So many recipients of the canary are observed before it is promoted."""
    evidence: Evidence
    began_at: datetime
    ended_at: datetime | None
    reason: str | None
    """Why it ended, with the figures."""
