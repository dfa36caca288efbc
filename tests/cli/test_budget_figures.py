"""A budget in words, as `outdial status` and a launch show it."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.cli.campaigns.figures import budget_in_words
from outdial.domain.record import BudgetProgress

NOTHING: dict[str, Any] = {
    "most": None, "per_day": None, "per_person": None, "left": None, "day": None,
    "left_of_day": None, "spent": "0 USD", "reserved": "0 USD", "spent_of_day": "0 USD",
    "reserved_of_day": "0 USD", "raised": "0 USD", "excess": "0 USD",
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"per_person": "2 USD"}, "0 USD spent, 0 USD reserved"),
        (
            {"most": "500 USD", "spent": "12.30 USD", "reserved": "1.20 USD"},
            "12.30 USD of 500 USD spent, 1.20 USD reserved",
        ),
        (
            {"per_day": "100 USD", "day": "2030-01-31", "spent_of_day": "3 USD", "spent": "9 USD"},
            "9 USD spent, 0 USD reserved; 3 USD of 100 USD on 2030-01-31",
        ),
        (
            {"most": "5 USD", "excess": "40 USD"},
            "0 USD of 5 USD spent, 0 USD reserved; 40 USD reported beyond what the calls could "
            "cost, and not counted",
        ),
    ],
)
def test_a_budget_in_words(values: dict[str, Any], text: str) -> None:
    assert budget_in_words(BudgetProgress.model_validate(NOTHING | values)) == text
