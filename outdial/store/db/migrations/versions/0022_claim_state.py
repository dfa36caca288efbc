"""`claim_cursor` becomes `claim_state`, `campaign.standing` becomes `direct`. 0022 follows 0021.

`cursor` means paging. The table, which has one row for each campaign, is made anew and copied, so
that its constraints get new names on SQLite too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SAME = "campaign_id, caller_turn, wake_at, reason, open_count, counted_at"


def upgrade() -> None:
    _move("claim_cursor", "claim_state", "anew_from", "requeue_from")
    op.execute("ALTER TABLE campaign RENAME COLUMN standing TO direct")


def downgrade() -> None:
    _move("claim_state", "claim_cursor", "requeue_from", "anew_from")
    op.execute("ALTER TABLE campaign RENAME COLUMN direct TO standing")


def _move(old: str, new: str, old_from: str, new_from: str) -> None:
    op.create_table(
        new,
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("caller_turn", sa.Integer(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(new_from, sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f(f"fk_{new}_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f(f"pk_{new}")),
    )
    op.execute(f"INSERT INTO {new} ({_SAME}, {new_from}) SELECT {_SAME}, {old_from} FROM {old}")
    op.drop_table(old)
