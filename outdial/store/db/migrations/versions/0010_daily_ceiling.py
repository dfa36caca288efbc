"""When a placement left, by number: what the daily ceiling counts. Revision 0010 follows 0009."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SIMULATED = "simulated"
_LEFT = sa.text("left_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("call", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    _count_those_of_the_last_day()
    op.create_index(
        "ix_call_left", "call", ["phone", "left_at"], sqlite_where=_LEFT, postgresql_where=_LEFT
    )


def downgrade() -> None:
    op.drop_index("ix_call_left", "call")
    op.drop_column("call", "left_at")


def _count_those_of_the_last_day() -> None:
    """The ceiling holds from the first minute on; simulated lines are left out, as ever."""
    call = sa.table(
        "call",
        *(sa.column(name) for name in ("tenant", "line", "fence")),
        sa.column("fenced_at", sa.DateTime(timezone=True)),
        sa.column("left_at", sa.DateTime(timezone=True)),
    )
    line = sa.table("line", *(sa.column(name) for name in ("tenant", "name", "provider")))
    bind = op.get_bind()
    latest = bind.execute(sa.select(sa.func.max(call.c.fenced_at))).scalar()
    if latest is None:
        return
    bind.execute(
        sa.update(call)
        .where(
            call.c.fenced_at > latest - timedelta(days=1),
            call.c.fence.in_(("placing", "placed")),
            ~sa.exists().where(
                line.c.tenant == call.c.tenant,
                line.c.name == call.c.line,
                line.c.provider == _SIMULATED,
            ),
        )
        .values(left_at=call.c.fenced_at)
    )
