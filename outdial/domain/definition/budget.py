"""The budget of a definition: how much its calls may cost."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, ValidationInfo, field_validator, model_validator

from outdial.domain.definition.fields import Frozen
from outdial.domain.money.amount import Amount, Money


def _above_nothing(value: Money) -> Money:
    if value.amount <= 0:
        raise ValueError(f"found {value}; write more than nothing")
    return value


Limit = Annotated[Amount, AfterValidator(_above_nothing)]


class Budget(Frozen):
    """How much the calls of a campaign may cost. A call is placed only if the highest cost that it
    can have is left."""

    most: Limit | None = None
    """What all calls of one launch may cost together, such as 500 USD."""
    per_day: Limit | None = None
    """What the calls of one day may cost, those of other launches of the campaign included. A day
    is one of `schedule.time_zone`, else of the calendar's time zone, else of UTC."""
    per_person: Limit | None = None
    """What the calls of one launch to one recipient may cost. A recipient whose next call could
    cost more than what is left ends."""

    @property
    def limits(self) -> dict[str, Money]:
        """The amounts that are given, by their keys."""
        named = {"most": self.most, "per_day": self.per_day, "per_person": self.per_person}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def currency(self) -> str:
        return next(iter(self.limits.values())).currency

    @field_validator("per_day", "per_person")
    @classmethod
    def _one_currency(cls, value: Money | None, info: ValidationInfo) -> Money | None:
        for name in ("most", "per_day"):
            other = info.data.get(name)
            if value is not None and other is not None and other.currency != value.currency:
                raise ValueError(
                    f"found {value} beside {name}: {other}; write all of them in one currency"
                )
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.limits:
            raise ValueError("found no amount; write most, per_day or per_person below it")
        return self
