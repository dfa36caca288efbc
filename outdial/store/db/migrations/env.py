"""Alembic's entry: migrates over the connection that `store.db.migrate` hands in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from outdial.store.db.tables import metadata
from outdial.store.db.tables.columns import BigId, JsonText, UtcDateTime

_WRITTEN = {
    BigId: 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")',
    JsonText: "sa.Text()",
    UtcDateTime: "sa.DateTime(timezone=True)",
}


def write_type(kind: str, value: Any, _context: AutogenContext) -> str | Literal[False]:
    """Our column types by what they are in the database: a revision must not change with them."""
    return _WRITTEN.get(type(value), False) if kind == "type" else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_item=write_type,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
