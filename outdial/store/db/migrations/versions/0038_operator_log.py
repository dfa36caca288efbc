"""A log of what operators do.

Revision 0038 follows 0037.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator_log",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence", name=op.f("pk_operator_log")),
    )
    op.create_index("ix_operator_log_subject", "operator_log", ["tenant", "subject", "sequence"])
    for name in ("door", "key_id"):
        op.add_column("revision_proposal", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("key_id", "door"):
        op.drop_column("revision_proposal", name)
    op.drop_table("operator_log")
