"""Models of the API: revisions. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from outdial.client.models.shared import CampaignState, DefinitionDifference


class CanaryArm(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    people: int
    answered: int
    opted_out: int
    failed: int
    succeeded: int
    cost: float


CanaryMetric = Literal["answer_rate", "opt_outs", "failures", "cost_per_outcome"] | str
"""What must not become worse."""


class CanaryEvidence(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    metric: CanaryMetric
    evidence: float


CanaryState = Literal["running", "promoted", "rolled_back", "undecided"] | str


class Canary(BaseModel):
    """A revision that some recipients get first."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    state: CanaryState
    launch: int
    base_revision: int
    revision: int
    share: float
    seed: str
    needed: int
    canary: CanaryArm
    rest: CanaryArm
    evidence: list[CanaryEvidence]
    evidence_needed: float
    began_at: datetime
    ended_at: datetime | None
    reason: str | None


class RosterChanges(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    added: int
    changed: int
    same: int
    removed: int
    missing: int


class AppliedRevision(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    name: str
    state: CampaignState
    revision: int
    before: int
    changed: bool
    differences: list[DefinitionDifference]
    roster: RosterChanges
    noted_only: bool
    canary: Canary | None


class Revision(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    revision: int
    launch: int
    created_at: datetime
    author: str | None
    reason: str | None
    restores: int | None
    added: int
    removed: int
    canary_share: float | None


class RevisionPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Revision]
    next_cursor: str | None = None


class RollbackRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    revision: int | None = None
    reason: str | None = None


RosterMode = Literal["keep", "add", "match"]
"""What becomes of the roster when a definition is applied."""
