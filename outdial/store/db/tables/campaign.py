"""Campaigns, their revisions, and where their claims stand."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_OPEN = text("state NOT IN ('stopped', 'finished')")
_DIRECT = text("direct")
_PROPOSED = text("proposal IS NOT NULL")


class CampaignRow(Row, table=True):
    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("tenant", "name"),
        Index("ix_campaign_tenant_state", "tenant", "state", "id"),
        Index("ix_campaign_tenant", "tenant", "id"),
        Index("ix_campaign_open", "state", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_campaign_direct", "id", sqlite_where=_DIRECT, postgresql_where=_DIRECT),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    tenant: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    revision: int
    launch: int
    direct: bool
    hang_up: bool = False
    reason: str | None = Field(default=None, sa_type=Text)
    plan: str = Field(sa_type=Text)
    """A CallPlan as JSON text; text, so that reading it can be remembered. What the definition says
    is in there: a column of its own has what a statement filters by, and nothing else."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    launched_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CampaignRevisionRow(Row, table=True):
    __tablename__ = "campaign_revision"
    __table_args__ = (
        Index(
            "uq_campaign_revision_proposal",
            "proposal",
            unique=True,
            sqlite_where=_PROPOSED,
            postgresql_where=_PROPOSED,
        ),
    )

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    revision: int = Field(primary_key=True)
    launch: int
    definition: str = Field(sa_type=Text)
    source_text: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    author: str | None = Field(default=None, sa_type=Text)
    """Who made it, such as `user ana` or `key 1f3c`."""
    reason: str | None = Field(default=None, sa_type=Text)
    """Why, if a reason was given."""
    restores: int | None = None
    """The earlier revision whose definition it has again."""
    added: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """How many recipients came with it."""
    removed: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    proposal: str | None = Field(default=None, sa_type=Text)
    """The id of the proposal it was made of."""
    canary_share: float | None = None
    """It was given to this share of the recipients alone, as a canary."""


class RevisionProposalRow(Row, table=True):
    """A revision that is checked and stored, until the campaign's workflow applies it.

    The definition may list people, who may not stand in a workflow's history: an update names this.
    """

    __tablename__ = "revision_proposal"

    id: str = Field(sa_type=Text, primary_key=True)
    campaign_id: int = Field(sa_type=BigId, sa_column_args=(ForeignKey("campaign.id"),))
    revision: int
    """The revision it was made from: it applies to no other."""
    definition: str = Field(sa_type=Text)
    source_text: str = Field(sa_type=Text)
    endpoints: list[Any] = Field(sa_type=JsonText)
    """The endpoints that the definition names."""
    author: str | None = Field(default=None, sa_type=Text)
    door: str | None = Field(default=None, sa_type=Text)
    key_id: str | None = Field(default=None, sa_type=Text)
    """Who proposes it, as the operator log names them."""
    reason: str | None = Field(default=None, sa_type=Text)
    restores: int | None = None
    added: int = 0
    removed: int = 0
    staging_id: int | None = Field(default=None, sa_type=BigId)
    """Recipients that were staged for it."""
    canary_share: float | None = None
    """It is tried on this share of the recipients first."""
    canary_seed: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)


class ClaimStateRow(Row, table=True):
    """What a campaign's claims remember; locked by a claim, so claims of one campaign queue up.

    It is not in the campaign's row: a claim holds this one to its end, and a pause, which locks the
    campaign's, waits for no claim.
    """

    __tablename__ = "claim_state"

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    caller_turn: int = 0
    """Calls claimed so far; picks the next caller id."""
    wake_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str | None = Field(default=None, sa_type=Text)
    next_call_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The next call to those who wait for a time of their own, as far as it could be said at the
    last claim; not before `wake_at`, when somebody is decided about."""
    next_call_zone: str | None = Field(default=None, sa_type=Text)
    """Where that person is."""
    requeue_from: int | None = None
    """From this position on recipients are still to be requeued under an applied revision."""
    canary_id: int | None = Field(default=None, sa_type=BigId)
    """The canary that runs."""
    waits_for_lines: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Its demand is stored (`line_demand`)."""
    budget_exhausted: str | None = Field(default=None, sa_type=Text)
    """The limit of its budget that admits no more calls, as it was published: `most 3` of the third
    launch, `per_day 2030-01-31`."""


campaign = table_of(CampaignRow)
campaign_revision = table_of(CampaignRevisionRow)
revision_proposal = table_of(RevisionProposalRow)
claim_state = table_of(ClaimStateRow)

is_open = text("campaign.state NOT IN ('stopped', 'finished')")
is_direct = text("campaign.direct")
"""Written as the indexes have it: a parameter would keep the database from using them."""
