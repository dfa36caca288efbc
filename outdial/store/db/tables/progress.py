"""Counts of a launch's recipients and calls, which triggers keep in step with the rows."""

from sqlalchemy import Text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, table_of


class ProgressCountRow(Row, table=True):
    """How many recipients or calls of a launch are in one state; the sum over the shards counts.

    Only triggers write it (`count_recipient_…` and `count_call_…`, revision 0025), in the
    transaction that changes the rows. On PostgreSQL a transaction adds to a shard that no other
    transaction holds, or to a new one, so that none waits for another: `SKIP LOCKED` passes those
    that are held, and a new one is named after its transaction. There are as many shards of a
    count as transactions ever changed it at one moment, which connections bound. SQLite, which has
    one writer at a time, has shard 0 only.
    """

    __tablename__ = "progress_count"

    campaign_id: int = Field(sa_type=BigId, primary_key=True)
    launch: int = Field(primary_key=True)
    subject: str = Field(sa_type=Text, primary_key=True)
    """`recipient` or `call`."""
    value: str = Field(sa_type=Text, primary_key=True)
    """The state of a recipient, the status of a call."""
    detail: str = Field(sa_type=Text, primary_key=True)
    """The outcome of a recipient that is done; `attempt` of a call that is one; else empty."""
    shard: int = Field(sa_type=BigId, primary_key=True)
    total: int = Field(sa_type=BigId)


progress_count = table_of(ProgressCountRow)
