"""`campaign_line` goes: who waits for a line is in `line_demand`. Revision 0029 follows 0028."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_table("campaign_line")


def downgrade() -> None:
    """The lines are read from the plans again."""
    made = op.create_table(
        "campaign_line",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_line_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "name", name=op.f("pk_campaign_line")),
    )
    rows = []
    for campaign_id, text in op.get_bind().execute(sa.text("SELECT id, plan FROM campaign")):
        plan = json.loads(text)
        names = [share["name"] for share in plan.get("lines", ())] or [plan["line"]]
        rows += [{"campaign_id": campaign_id, "name": name} for name in names]
    op.bulk_insert(made, rows)
