"""A budget that its lines can't be held to is refused before anybody is called."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from outdial.domain.money.amount import parse_money
from outdial.intake.definition import read_definition_text
from outdial.providers.catalog import build_provider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.services.campaigns.line_check import check_lines

CREDENTIALS = {"api_key": "k", "api_secret": "s", "webhook_secret": "w"}
USD: dict[str, Any] = {
    "cost_per_minute": parse_money("0.09 USD"),
    "cost_per_call": parse_money("0.10 USD"),
}
EUR: dict[str, Any] = {"cost_per_minute": parse_money("0.08 EUR")}


def line(name: str, provider: str = "simulated", **policy: Any) -> Line:
    config = LineConfig(name=name, credentials=CREDENTIALS)
    return Line(name, build_provider(provider, config), LinePolicy(**policy))


LINES = Lines(
    [
        line("priced", **USD),
        line("seconds", **USD, billing_increment=timedelta(seconds=1)),
        line("euros", **EUR),
        line("free"),
        line("endless", "voxpria", **USD),
    ]
)


def problems(lines: str, more: str) -> list[tuple[int, str, str, str]]:
    text = (
        f"name: priced\npurpose: informational\nagent: a\nline: {lines}\n"
        f'recipients: [{{ phone: "+12025550123" }}]\n{more}\n'
    )
    loaded = read_definition_text(text, base=Path())
    found = check_lines(LINES, loaded).problems
    return [(each.line, each.field, each.code, each.message) for each in found]


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ("free", ""),
        ("endless", ""),
        ("priced", "budget: {most: 1 USD}"),
        ("[priced, seconds]", "budget: {most: 500 USD, per_day: 5 USD, per_person: 2 USD}"),
        ("seconds", "budget: {most: 0.145 USD}\nmax_duration: 30s"),
    ],
)
def test_a_budget_that_admits_a_call_is_accepted(lines: str, more: str) -> None:
    assert problems(lines, more) == []


@pytest.mark.parametrize(
    ("lines", "budget", "field", "code", "message"),
    [
        (
            "[priced, free]",
            "{most: 9 USD}",
            "budget",
            "no_price",
            "line free has no price, so nothing says what a call costs at most; set "
            'lines.free.cost_per_minute in the settings, such as "0.09 USD"',
        ),
        (
            "euros",
            "{per_day: 9 USD}",
            "budget.per_day",
            "other_currency",
            "found 9 USD, and line euros is priced in EUR; write the budget in EUR, or the prices "
            "of the line in USD",
        ),
        (
            "priced",
            "{most: 5 USD, per_person: 0.99 USD}",
            "budget.per_person",
            "too_small",
            "found 0.99 USD, and a call of 10m on line priced costs 1 USD, so nobody could be "
            "called; write at least that, or a shorter max_duration",
        ),
        (
            "endless",
            "{most: 9 USD}",
            "budget",
            "unbounded",
            "line endless: voxpria takes no longest duration, so nothing bounds what a call costs; "
            "leave the budget out, or use another line",
        ),
    ],
)
def test_a_budget_that_nothing_holds_a_line_to_is_refused(
    lines: str, budget: str, field: str, code: str, message: str
) -> None:
    assert problems(lines, f"budget: {budget}") == [(6, field, code, message)]
