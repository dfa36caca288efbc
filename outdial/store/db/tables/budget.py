"""Budgets: what is reserved for each call, and what campaigns have spent."""

from sqlalchemy import ForeignKey, Index, Text, text
from sqlmodel import Field

from outdial.store.db.tables.columns import BigId, Row, table_of


class BudgetHoldRow(Row, table=True):
    """The money of one call of a campaign with a budget, in millionths of its currency.

    Written by the claim that reserves the call. It holds the highest cost of the call until the
    call is settled, whatever crashes meanwhile; then it has the call's cost.
    """

    __tablename__ = "budget_hold"
    __table_args__ = (Index("ix_budget_hold_recipient", "recipient_id"),)

    call_id: str = Field(sa_type=Text, primary_key=True, sa_column_args=(ForeignKey("call.id"),))
    campaign_id: int = Field(sa_type=BigId)
    launch: int
    day: str = Field(sa_type=Text)
    """The date that it counts for, such as 2030-01-31: when it was claimed."""
    recipient_id: int = Field(sa_type=BigId)
    highest: int = Field(sa_type=BigId)
    currency: str = Field(sa_type=Text)
    cost_per_minute: int = Field(sa_type=BigId)
    """The prices by which it was claimed: those of its line may change."""
    cost_per_call: int = Field(sa_type=BigId)
    billing_increment: int
    """Seconds."""
    cost: int | None = Field(default=None, sa_type=BigId)
    """None: the call is not settled, and `highest` is reserved."""
    cost_source: str | None = Field(default=None, sa_type=Text)
    excess: int = Field(default=0, sa_type=BigId, sa_column_kwargs={"server_default": text("0")})
    """What it costs beyond `highest`, by what its provider has reported."""


class BudgetTotalRow(Row, table=True):
    """Sums over the holds of one launch, or of one day, in one currency.

    A transaction changes them last of all (`store.db.ending`), in the order of their keys.
    """

    __tablename__ = "budget_total"

    campaign_id: int = Field(
        sa_type=BigId, primary_key=True, sa_column_args=(ForeignKey("campaign.id"),)
    )
    scope: str = Field(sa_type=Text, primary_key=True)
    """`launch` or `day`."""
    key: str = Field(sa_type=Text, primary_key=True)
    """The number of the launch, or the date."""
    currency: str = Field(sa_type=Text, primary_key=True)
    spent: int = Field(sa_type=BigId)
    reserved: int = Field(sa_type=BigId)
    raised: int = Field(sa_type=BigId)
    """By how much later prices exceeded what the settlements of their calls had counted."""
    excess: int = Field(sa_type=BigId)


budget_hold = table_of(BudgetHoldRow)
budget_total = table_of(BudgetTotalRow)
