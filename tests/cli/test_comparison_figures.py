"""Two rehearsed campaigns beside each other, as they are printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outdial.cli.campaigns.comparison_figures import print_comparison
from outdial.domain.money.price import LinePrice
from outdial.rehearsal.comparison import Comparison
from outdial.rehearsal.outcome import Outcome
from outdial.rehearsal.rehearsal import Rehearsal
from tests.rehearsal.campaigns import rehearsal


def outcome(per_call: int, *, finished: bool) -> Outcome:
    of = priced(per_call)
    return Outcome(tuple(replace(of.run(seed), finished=finished) for seed in (1, 2)))


def priced(per_call: int) -> Rehearsal:
    of, price = rehearsal(5), LinePrice("EUR", per_call=per_call)
    return replace(of, lines=tuple(replace(line, price=price) for line in of.lines))


def test_costs_have_their_currency(capsys: pytest.CaptureFixture[str]) -> None:
    cheap, dear = (outcome(per_call, finished=True) for per_call in (0, 1_000_000))
    print_comparison(("a", "b"), Comparison(cheap, dear, "EUR"), alike=True)
    assert " EUR dearer" in capsys.readouterr().out.partition("\n")[0]


def test_it_is_said_why_runs_did_not_end(capsys: pytest.CaptureFixture[str]) -> None:
    ended, left = (outcome(0, finished=finished) for finished in (True, False))
    print_comparison(("a", "b"), Comparison(ended, left), alike=True)
    text = "b: 2 runs did not end within three years, or within the budget\n"
    assert text in capsys.readouterr().out
