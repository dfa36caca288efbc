"""How many calls a key may ask for in a day.

Revision 0014 follows 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("calls_per_day", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("api_key", "calls_per_day")
