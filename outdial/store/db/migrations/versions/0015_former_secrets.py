"""Secrets of endpoints that were rotated stay valid for a while. Revision 0015 follows 0014."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_secret",
        sa.Column("endpoint_id", sa.Text(), sa.ForeignKey("endpoint.id"), primary_key=True),
        sa.Column("secret", sa.Text(), primary_key=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_former_secret_ends", "former_secret", ["ends_at"])


def downgrade() -> None:
    op.drop_table("former_secret")
