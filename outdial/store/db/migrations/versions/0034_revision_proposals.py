"""Revisions have an author and a reason, and are proposed before they are applied.

Revision 0034 follows 0033.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ZERO = sa.text("0")
_PROPOSED = sa.text("proposal IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False, server_default=_ZERO),
        sa.Column("removed", sa.Integer(), nullable=False, server_default=_ZERO),
        sa.Column("proposal", sa.Text(), nullable=True),
    ):
        op.add_column("campaign_revision", column)
    op.create_index(
        "uq_campaign_revision_proposal",
        "campaign_revision",
        ["proposal"],
        unique=True,
        sqlite_where=_PROPOSED,
        postgresql_where=_PROPOSED,
    )
    op.add_column(
        "staging", sa.Column("merges", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("staging", sa.Column("remove_from", sa.Integer(), nullable=True))
    op.create_table(
        "revision_proposal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("source_text", sa.Text(), nullable=False),
        sa.Column("endpoints", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("staging_id", _ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_revision_proposal_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision_proposal")),
    )


def downgrade() -> None:
    op.drop_table("revision_proposal")
    op.drop_column("staging", "remove_from")
    op.drop_column("staging", "merges")
    op.drop_index("uq_campaign_revision_proposal", "campaign_revision")
    for name in ("proposal", "removed", "added", "restores", "reason", "author"):
        op.drop_column("campaign_revision", name)
