"""Amounts of money: whole millionths of a currency, written such as `500 USD`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from outdial.domain.definition.fields import describe_value
from outdial.domain.hints import Hint

MILLION = 1_000_000
MOST = 1_000_000_000
"""Units of a currency in one amount: sums of them fit into 64 bits."""
_DIGITS = 6
_WRITTEN = re.compile(r"\s*([0-9]{1,15})(?:\.([0-9]+))?\s*([A-Z]{3})\s*")
_HELP = "write an amount and its currency, such as 500 USD or 0.09 EUR"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency."""

    amount: int
    """Millionths."""
    currency: str
    """An ISO 4217 code, such as USD."""

    def __str__(self) -> str:
        return format_amount(self.amount, self.currency)


def format_amount(amount: int, currency: str) -> str:
    """`500 USD`, `0.09 USD` or `12.345 USD`: as `parse_money` reads it."""
    whole, rest = divmod(abs(amount), MILLION)
    decimals = f"{rest:0{_DIGITS}}".rstrip("0")
    text = f"{whole}.{decimals:0<2}" if decimals else str(whole)
    return f"{'-' if amount < 0 else ''}{text} {currency}"


def parse_money(value: Any) -> Money:
    """Read `500 USD`. Raises ValueError for anything else, a bare number included: it has no
    currency."""
    if isinstance(value, Money):
        return value
    match = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"found {describe_value(value)}; {_HELP}")
    whole, decimals, currency = match.groups()
    decimals = (decimals or "").rstrip("0")
    if len(decimals) > _DIGITS:
        raise ValueError(f"found {describe_value(value)}; write at most {_DIGITS} decimals")
    amount = int(whole) * MILLION + int(decimals.ljust(_DIGITS, "0"))
    if amount > MOST * MILLION:
        raise ValueError(f"found {describe_value(value)}; write at most {MOST} {currency}")
    return Money(amount, currency)


AMOUNT = Hint(_HELP)
Amount = Annotated[
    Money,
    BeforeValidator(parse_money),
    AMOUNT,
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*[0-9]{1,15}(\.[0-9]+)?\s*[A-Z]{3}\s*$",
            "examples": ["500 USD", "0.09 EUR"],
        }
    ),
]
