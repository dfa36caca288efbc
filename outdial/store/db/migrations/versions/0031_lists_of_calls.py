"""What calls are listed by: their agent, and the status of requests. Revision 0031 follows 0030.

Triggers keep `call_request.status` in step with the recipient and its last call, so that no
statement can change those without it.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_OF_CAMPAIGN = "campaign <> 'direct'"
_INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_call_agent", "call", ["tenant", "agent", "status", "created_at", "id"], _OF_CAMPAIGN),
    ("ix_call_campaign_status", "call", ["campaign_id", "status", "created_at", "id"], None),
    ("ix_call_status", "call", ["tenant", "status", "created_at", "id"], _OF_CAMPAIGN),
    (
        "ix_call_request_agent",
        "call_request",
        ["tenant", "agent", "status", "created_at", "public_id"],
        None,
    ),
    (
        "ix_call_request_contact",
        "call_request",
        ["tenant", "contact_id", "created_at", "public_id"],
        "contact_id IS NOT NULL",
    ),
    (
        "ix_call_request_phone",
        "call_request",
        ["tenant", "phone", "created_at", "public_id"],
        None,
    ),
    (
        "ix_call_request_status",
        "call_request",
        ["tenant", "status", "created_at", "public_id"],
        None,
    ),
)
_OLD = {
    "ix_call_tenant": ("call", ["tenant", "created_at", "id"]),
    "ix_call_request_tenant": ("call_request", ["tenant", "created_at", "public_id"]),
}
_STATUS = """
SELECT CASE
  WHEN person.state IN ('calling', 'settling') THEN COALESCE(last.status, 'queued')
  WHEN person.state <> 'done' THEN 'queued'
  WHEN last.status IS NOT NULL THEN last.status
  WHEN person.outcome = 'canceled' THEN 'canceled'
  ELSE 'failed' END
FROM recipient AS person
LEFT JOIN "call" AS last ON last.recipient_id = person.id AND last.number = person.calls
WHERE {person}
"""


def _set_status(person: str) -> str:
    status = _STATUS.format(person=person)
    key = f"SELECT person.campaign_id, person.request_key FROM recipient AS person WHERE {person}"
    return (
        f"UPDATE call_request SET status = ({status})"
        f" WHERE (campaign_id, key) = ({key}) AND status <> ({status});"
    )


_TRIGGERS = {
    "list_request_insert": (
        'INSERT ON "recipient"',
        "NEW.request_key IS NOT NULL",
        _set_status("person.id = NEW.id"),
    ),
    "list_request_update": (
        'UPDATE OF state, outcome, calls ON "recipient"',
        "NEW.request_key IS NOT NULL",
        _set_status("person.id = NEW.id"),
    ),
    "list_request_call": (
        'UPDATE OF status ON "call"',
        "NEW.campaign = 'direct' AND NEW.status <> OLD.status",
        _set_status("person.id = NEW.recipient_id AND person.calls = NEW.number"),
    ),
}
"""By name: what they follow, when, and what they do."""


def upgrade() -> None:
    default = sa.text("''")
    op.add_column("call", sa.Column("agent", sa.Text(), nullable=False, server_default=default))
    queued = sa.text("'queued'")
    op.add_column(
        "call_request", sa.Column("status", sa.Text(), nullable=False, server_default=queued)
    )
    # Triggers first: on PostgreSQL to create one keeps writers out until the commit.
    for name, parts in _TRIGGERS.items():
        _create_trigger(name, *parts)
    _fill_agents()
    of_request = (
        "person.campaign_id = call_request.campaign_id AND person.request_key = call_request.key"
    )
    status = _STATUS.format(person=of_request)
    op.execute(f"UPDATE call_request SET status = COALESCE(({status}), 'queued')")
    for name, (table, _) in _OLD.items():
        op.drop_index(name, table)
    for name, table, columns, where in _INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
    for name, (table, columns) in _OLD.items():
        op.create_index(name, table, columns)
    for name, (follows, _, _) in _TRIGGERS.items():
        on = f" ON {follows.rpartition(' ON ')[2]}" if _on_postgresql() else ""
        op.execute(f"DROP TRIGGER {name}{on}")
        if _on_postgresql():
            op.execute(f"DROP FUNCTION {name}()")
    op.drop_column("call_request", "status")
    op.drop_column("call", "agent")


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _create_trigger(name: str, follows: str, when: str, work: str) -> None:
    if not _on_postgresql():
        op.execute(f"CREATE TRIGGER {name} AFTER {follows} WHEN {when} BEGIN {work} END")
        return
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {work} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {follows} FOR EACH ROW WHEN ({when})"
        f" EXECUTE FUNCTION {name}()"
    )


def _fill_agents() -> None:
    """Calls of campaigns get the agent of their campaign's present plan, as they were listed."""
    connection = op.get_bind()
    plans = connection.execute(sa.text("SELECT id, plan FROM campaign WHERE NOT direct")).all()
    agents = [{"id": id, "agent": json.loads(plan)["agent"]["id"]} for id, plan in plans]
    if agents:
        connection.execute(
            sa.text('UPDATE "call" SET agent = :agent WHERE campaign_id = :id'), agents
        )
