"""A campaign's pacing moves into its plan, and its purpose and line are there already.

No statement filters by them, so they need no columns of their own. Revision 0021 follows 0020.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_PACING = ("max_concurrent", "per_minute")
_MOVED: dict[str, type[sa.Text | sa.Integer]] = {
    "purpose": sa.Text,
    "line": sa.Text,
    "max_concurrent": sa.Integer,
}
"""Columns that held something for every campaign."""


def upgrade() -> None:
    campaign = _campaigns()
    for row in op.get_bind().execute(sa.select(campaign)).mappings().all():
        plan = json.loads(row["plan"])
        plan["pacing"] = {name: row[name] for name in _PACING}
        _change(campaign, row["id"], plan=_written(plan))
    for name in (*_MOVED, "per_minute"):
        op.drop_column("campaign", name)


def downgrade() -> None:
    for name, kind in _MOVED.items():
        op.add_column("campaign", sa.Column(name, kind(), nullable=False, server_default="0"))
    op.add_column("campaign", sa.Column("per_minute", sa.Integer()))
    campaign = _campaigns()
    for row in op.get_bind().execute(sa.select(campaign.c.id, campaign.c.plan)).mappings().all():
        plan = json.loads(row["plan"])
        pacing = plan.pop("pacing")
        moved = {name: pacing[name] for name in _PACING}
        moved |= {"purpose": plan["purpose"], "line": plan["line"]}
        _change(campaign, row["id"], plan=_written(plan), **moved)


def _campaigns() -> sa.TableClause:
    names = ("id", "plan", "purpose", "line", *_PACING)
    return sa.table("campaign", *(sa.column(name) for name in names))


def _change(campaign: sa.TableClause, campaign_id: int, **values: Any) -> None:
    changed = sa.update(campaign).where(campaign.c.id == campaign_id).values(values)
    op.get_bind().execute(changed)


def _written(plan: dict[str, Any]) -> str:
    return json.dumps(plan, ensure_ascii=False, separators=(",", ":"))
