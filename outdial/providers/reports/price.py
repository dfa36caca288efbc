"""Prices that providers report."""

from __future__ import annotations


def in_currency(price: float | None, currency: str | None, *reported: str | None) -> float | None:
    """The price, unless it is reported in another currency than a line's own: it would be counted
    as that many units of this one. None: the cost is computed, as if no price had been reported.

    `currency` is None for a line without prices, with which nothing is compared.
    """
    if currency is None:
        return price
    return None if any(each and each.upper() != currency for each in reported) else price
