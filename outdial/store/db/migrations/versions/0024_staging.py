"""Launches and additions that are staged. Revision 0024 follows 0023."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "staging",
        sa.Column("id", _ID, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unfinished", sa.Boolean(), nullable=False),
        sa.Column("campaign_id", _ID, nullable=True),
        sa.Column("launch", sa.Integer(), nullable=False),
        sa.Column("row_launch", sa.Integer(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=True),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("problem_count", sa.Integer(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staging")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staging_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_staging_started", "staging", ["started_at"])
    _partial("ix_staging_unfinished", ["campaign_id"], "unfinished", unique=False)
    of_launches = "unfinished AND kind = 'launch'"
    _partial("uq_staging_launch", ["tenant", "campaign"], of_launches, unique=True)


def downgrade() -> None:
    op.drop_table("staging")


def _partial(name: str, columns: list[str], where: str, *, unique: bool) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        "staging",
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )
