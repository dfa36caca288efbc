"""Launches and additions whose recipients are being written, and how they ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, false, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, JsonText, Row, UtcDateTime, table_of

_UNFINISHED = text("unfinished")
_LAUNCH = text("unfinished AND kind = 'launch'")


class StagingRow(Row, table=True):
    """One launch of a campaign, or one addition to its roster.

    Until it is finished, its recipients carry a launch number that no campaign has: nothing that
    reads the roster of a launch meets them.
    """

    __tablename__ = "staging"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(
            "uq_staging_launch",
            "tenant",
            "campaign",
            unique=True,
            sqlite_where=_LAUNCH,
            postgresql_where=_LAUNCH,
        ),
        Index(
            "ix_staging_unfinished",
            "campaign_id",
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        Index("ix_staging_started", "started_at"),
        # The launch number of an addition's rows is made of it, so an id must not come back.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    public_id: str = Field(sa_type=Text)
    tenant: str = Field(sa_type=Text)
    campaign: str = Field(sa_type=Text)
    """The campaign's name."""
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    unfinished: bool = True
    """Rows are still to be written, moved or removed."""
    campaign_id: int | None = Field(default=None, sa_type=BigId)
    launch: int
    """The launch that its recipients are for."""
    row_launch: int
    """The launch number that they carry until then; of an addition it is negative."""
    requester: str | None = Field(default=None, sa_type=Text)
    """The workflow and run that requested it, if it was one."""
    merges: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """An addition of a revision: recipients that are on the launch's roster already get their
    values from its rows; of an ordinary addition, they are refused."""
    remove_from: int | None = None
    """From this position on, recipients of the launch that it does not have are still to be
    removed; None where nobody is, or no longer."""
    rows_read: int = 0
    recipients: int = 0
    """Rows that were written."""
    problem_count: int = 0
    problems: list[Any] = Field(default_factory=list, sa_type=JsonText)
    """The first of them, as objects."""
    error: str | None = Field(default=None, sa_type=Text)
    """Why it was refused, in words; None when its problems say it."""
    error_code: str | None = Field(default=None, sa_type=Text)
    started_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    """When its owner was last at work."""
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


staging = table_of(StagingRow)

is_unfinished_staging = text("staging.unfinished")
"""Written as the index has it: a parameter would keep the database from using that."""
