"""Canaries: a revision that is tried on some recipients, and what was observed of them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, func, literal_column, select, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, UtcDateTime, table_of
from outdial.store.db.tables.roster import recipient

_PENDING = text("stratum IS NULL")


class CanaryRow(Row, table=True):
    """One canary of a launch. While it runs, its campaign's claim state names it.

    Recipients keep the arm they were drawn into. What they are called by is looked up here, so the
    end of a canary changes this row and not theirs.
    """

    __tablename__ = "canary"
    __table_args__ = (Index("ix_canary_campaign", "campaign_id", "id"),)

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    campaign_id: int = Field(sa_type=BigId, sa_column_args=(ForeignKey("campaign.id"),))
    launch: int
    state: str = Field(sa_type=Text)
    base_revision: int
    """The campaign's revision, which the rest is called under."""
    revision: int
    """The revision that the canary is called under."""
    share: float
    seed: str = Field(sa_type=Text)
    """The arm of each recipient follows from it."""
    needed: int
    """So many recipients of the canary are observed before it is promoted."""
    plan: str | None = Field(default=None, sa_type=Text)
    """A CallPlan as JSON text; None once it has ended."""
    evidence: str = Field(sa_type=Text)
    """An Evidence as JSON text."""
    began_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str | None = Field(default=None, sa_type=Text)
    """Why it ended."""


class CanaryObservationRow(Row, table=True):
    """The first call that was settled of a recipient of either arm."""

    __tablename__ = "canary_observation"
    __table_args__ = (
        Index(
            "ix_canary_observation_pending",
            "canary_id",
            "observed_at",
            "recipient_id",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
    )

    canary_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("canary.id"),)
    )
    recipient_id: int = Field(sa_type=BigId, primary_key=True)
    call_id: str = Field(sa_type=Text)
    arm: str = Field(sa_type=Text)
    answered: bool
    opted_out: bool
    failed: bool
    cost: float | None = None
    observed_at: datetime = Field(sa_type=UtcDateTime)
    stratum: int | None = None
    """The stratum in which it was compared, from 1; None: not compared yet."""


canary = table_of(CanaryRow)
canary_observation = table_of(CanaryObservationRow)

is_pending_observation = text("canary_observation.stratum IS NULL")
"""Written as the index has it."""

_OF_CANARY = (canary.c.id == recipient.c.canary_id, recipient.c.arm == literal_column("'canary'"))

own_plan = func.coalesce(
    recipient.c.plan,
    select(canary.c.plan).where(*_OF_CANARY).correlate(recipient).scalar_subquery(),
)
"""The plan of a recipient that is not called by its campaign's; None where the campaign's holds."""
own_revision = (
    select(canary.c.revision)
    .where(*_OF_CANARY, canary.c.plan.is_not(None))
    .correlate(recipient)
    .scalar_subquery()
)
"""The revision of that plan, of recipients of a running canary."""
OWN_PLAN = (own_plan.label("plan"), own_revision.label("revision"))
running_canary = (
    select(canary.c.id)
    .where(canary.c.id == recipient.c.canary_id, canary.c.state == literal_column("'running'"))
    .correlate(recipient)
    .scalar_subquery()
)
"""The canary that runs and that a recipient was drawn in."""
