"""Fills the tables of budgets, beside `tests.history.filling`."""

from __future__ import annotations

from outdial.store.db.tables import budget_hold, budget_total
from tests.history.series import Fill


def fill_budgets(fill: Fill, campaign_id: int, first: int) -> None:
    """A hold of each call of a campaign, and totals of as many days and launches."""
    of_campaign = str(campaign_id)
    fill.insert(
        budget_hold,
        {
            "call_id": "'call-' || n",
            "campaign_id": of_campaign,
            "launch": "1",
            "day": "'2025-01-01'",
            "recipient_id": f"{first} + n",
            "currency": "'USD'",
            "highest": "900000",
            "cost": "90000",
            "cost_source": "'computed'",
            "billing_increment": "60",
        },
    )
    total = {"campaign_id": of_campaign, "currency": "'USD'", "spent": "n"}
    for scope in ("day", "launch"):
        fill.insert(budget_total, total | {"scope": f"'{scope}'", "key": "'1' || n"})
