"""Whether the lines of a definition have the prices that its budget needs."""

from __future__ import annotations

from collections.abc import Iterator

from outdial.domain.definition.fields import format_duration
from outdial.domain.money.amount import format_amount
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import Problem
from outdial.providers.lines import Lines


def budget_problems(lines: Lines, loaded: LoadedDefinition) -> Iterator[Problem]:
    """A problem for each line without a price, with one in another currency, or with calls that
    its provider does not end, and for each limit within which no call could be placed."""
    definition, at = loaded.definition, loaded.source_map.problem
    budget = definition.budget
    if budget is None:
        return
    first, first_limit = next(iter(budget.limits.items()))
    longest = format_duration(definition.max_duration)
    for name in definition.lines:
        price, provider = lines[name].policy.price, lines[name].provider
        if not provider.capabilities.bounds_duration:
            message = (
                f"line {name}: {provider.name} takes no longest duration, so nothing bounds what a "
                "call costs; leave the budget out, or use another line"
            )
            yield at(("budget",), "unbounded", message)
            continue
        if price is None:
            message = (
                f"line {name} has no price, so nothing says what a call costs at most; set "
                f'lines.{name}.cost_per_minute in the settings, such as "0.09 {budget.currency}"'
            )
            yield at(("budget",), "no_price", message)
            continue
        if price.currency != budget.currency:
            message = (
                f"found {first_limit}, and line {name} is priced in {price.currency}; write the "
                f"budget in {price.currency}, or the prices of the line in {budget.currency}"
            )
            yield at(("budget", first), "other_currency", message)
            continue
        highest = price.highest(definition.max_duration)
        for key, limit in budget.limits.items():
            if limit.amount < highest:
                message = (
                    f"found {limit}, and a call of {longest} on line {name} costs "
                    f"{format_amount(highest, price.currency)}, so nobody could be called; write "
                    "at least that, or a shorter max_duration"
                )
                yield at(("budget", key), "too_small", message)
