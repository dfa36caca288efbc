"""/v1/campaigns/{name}/canary."""

from dataclasses import asdict
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from outdial.api.admission import AdmittedRoute
from outdial.api.v1.auth import needs
from outdial.api.v1.refusals import refusals
from outdial.api.v1.routes.campaigns import Name
from outdial.domain.canary.evidence import NEEDED, GuardMetric
from outdial.domain.canary.record import CanaryRecord
from outdial.domain.canary.verdict import CanaryState
from outdial.services.accounts.access import Caller
from outdial.services.campaigns import canaries

router = APIRouter(prefix="/campaigns", tags=["revisions"], route_class=AdmittedRoute)


class CanaryArm(BaseModel):
    people: int
    """Recipients whose first call has been compared."""
    answered: int
    """In person."""
    opted_out: int
    failed: int
    succeeded: int
    """Who answered in person and did not opt out."""
    cost: float


class CanaryEvidence(BaseModel):
    metric: GuardMetric
    evidence: float
    """Against the canary; 1 or less on average while it is no worse. At `evidence_needed` of the
    canary it is taken back."""


class Canary(BaseModel):
    """A revision that some recipients get first."""

    state: CanaryState
    launch: int
    base_revision: int
    """The campaign's revision, which the rest is called under."""
    revision: int
    """The revision that the canary is called under."""
    share: float
    """Of the recipients, such as 0.05."""
    seed: str
    """The arm of each recipient follows from it."""
    needed: int
    """So many recipients of the canary are compared before it is promoted."""
    canary: CanaryArm
    rest: CanaryArm
    evidence: list[CanaryEvidence]
    evidence_needed: float
    began_at: datetime
    ended_at: datetime | None
    reason: str | None
    """Why it ended, with the figures."""

    @classmethod
    def of(cls, record: CanaryRecord) -> "Canary":
        evidence = record.evidence
        return cls(
            **record.model_dump(exclude={"id", "evidence"}),
            canary=CanaryArm(**asdict(evidence.canary)),
            rest=CanaryArm(**asdict(evidence.rest)),
            evidence=[
                CanaryEvidence(metric=metric, evidence=evidence.e_value(metric))
                for metric in GuardMetric
            ],
            evidence_needed=NEEDED,
        )


@router.get("/{name}/canary", responses=refusals("not_found"))
async def get_canary(name: Name, caller: Caller = needs("campaigns:read")) -> Canary:
    """The last canary of a campaign, running or ended: both arms beside each other, and the
    evidence against it."""
    return Canary.of(await canaries.read_canary(caller.ctx, name))
