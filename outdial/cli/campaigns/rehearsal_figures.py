"""The outcome of a rehearsal in words, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from outdial.cli.output import new_table, plural, print_table, say
from outdial.domain.codes import words
from outdial.rehearsal.outcome import Band, Outcome, RunFigures
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.rehearsal.waits import RETRY, SLOT, Step

_MILLION = 1_000_000
_BAR = 40
"""Characters of the longest bar."""
_SHARES = (0.25, 0.5, 0.75, 0.9)
"""Of those who are reached at all: when so many of them are."""
_WAITED_FOR = {SLOT: "a free slot", RETRY: "the next attempt", "outside_hours": "calling hours"}
Figure = Callable[[RunFigures], float]
_SHARE: Figure = attrgetter("reached_share")
_TALK: Figure = attrgetter("talk_seconds")


def print_outcome(rehearsal: Rehearsal, outcome: Outcome) -> None:
    """Print the figures, each as a band over the runs."""
    of_runs = f"{plural(len(outcome.runs), 'run')}, seed {outcome.runs[0].seed}"
    recipients = plural(outcome.recipients, "recipient")
    say(f"{rehearsal.name}: {recipients}, launched {_clock(rehearsal.start)}; {of_runs}")
    say(f"people: {rehearsal.people.source}")
    print_table(_bands(outcome, rehearsal.currency or ""))
    if outcome.unfinished:
        runs = plural(outcome.unfinished, "run")
        say(f"{runs} did not end within three years, or within the budget")
    say("")
    say(f"recipients: {_in_words(outcome.mean_of(lambda run: run.by_outcome), outcome)}")
    attempts = {
        {0: "without an attempt", 1: "with one attempt"}.get(made, f"with {made} attempts"): people
        for made, people in outcome.attempts_per_person().items()
    }
    say(f"attempts: {_in_words(attempts, outcome)}")
    for title, rows in (
        ("reached", _reached_rows(outcome)),
        ("waits, hours a recipient", _wait_rows(outcome)),
    ):
        if rows:
            say("")
            print_table(_bars(title, rows))


def _bands(outcome: Outcome, currency: str) -> Any:
    """One column for one run, else a column for each percentile."""
    several = len(outcome.runs) > 1
    columns = ("10%", "50%", "90%") if several else ("run",)
    table = new_table("", *columns, right=frozenset(columns))

    def add(name: str, texts: Iterable[str]) -> None:
        shown = list(texts)
        table.add_row(name, *(shown if several else shown[:1]))

    add("finish", map(_clock, outcome.finish()))
    figures: tuple[tuple[str, Figure], ...] = (
        ("calls", lambda run: run.calls),
        ("people reached", lambda run: run.reached),
        ("slots in use, at most", lambda run: run.most_in_flight),
    )
    for name, figure in figures:
        add(name, (f"{value:,.0f}" for value in outcome.band_of(figure)))
    add("share reached", (f"{value:.1%}" for value in outcome.band_of(_SHARE)))
    add("hours of talk", (f"{value / 3600:,.1f}" for value in outcome.band_of(_TALK)))
    cost = outcome.cost()
    if cost is not None:
        add("cost", (f"{value / _MILLION:,.2f} {currency}" for value in cost))
    return table


def _reached_rows(outcome: Outcome) -> list[tuple[str, float, str]]:
    """When so many of those who are reached at all have been, by the middle of the runs."""
    curve = outcome.reached_over_time()
    if not curve or curve[-1].band.middle <= 0:
        return []
    last = curve[-1].band.middle
    points = [
        next(point for point in curve if point.band.middle >= share * last) for share in _SHARES
    ]
    rows = []
    for point in dict.fromkeys(points):
        low, middle, high = (f"{value:.0%}" for value in point.band)
        spread = f" ({low} to {high})" if low != high else ""
        rows.append((f"by {_clock(point.at)}", point.band.middle, middle + spread))
    return rows


def wait_in_words(code: str) -> str:
    """What a recipient waits for."""
    return _WAITED_FOR.get(code, words(code))


def _wait_rows(outcome: Outcome) -> list[tuple[str, float, str]]:
    return [
        (wait_in_words(code), hours, f"{hours:,.1f}") for code, hours in outcome.waits().items()
    ]


def _bars(title: str, rows: Sequence[tuple[str, float, str]]) -> Any:
    table = new_table(title, "", "")
    longest = max(value for _, value, _ in rows) or 1
    for name, value, text in rows:
        table.add_row(name, text, "█" * max(1, round(value / longest * _BAR)))
    return table


def _in_words(counts: dict[str, float], outcome: Outcome) -> str:
    """`12.0 completed, 3.4 no answer`; of one run, `12 completed`."""
    digits = 1 if len(outcome.runs) > 1 else 0
    return ", ".join(f"{count:,.{digits}f} {words(name)}" for name, count in counts.items())


def print_steps(steps: Sequence[Step]) -> None:
    """Print every step of one recipient."""
    table = new_table("time", "", "until", "reason")
    for step in steps:
        until = "" if step.until is None else _clock(step.until)
        table.add_row(
            _clock(step.at),
            step.what,
            until,
            words(step.code) if step.what == "ended" else step.reason,
        )
    print_table(table)


def steps_report(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The steps of one recipient for programs."""
    return [
        {
            "at": _stamp(step.at),
            "step": step.what,
            "code": step.code or None,
            "reason": step.reason or None,
            "until": None if step.until is None else _stamp(step.until),
        }
        for step in steps
    ]


def outcome_report(rehearsal: Rehearsal, outcome: Outcome) -> dict[str, Any]:
    """A rehearsal for programs. Bands are the 10th, 50th and 90th percentile of the runs; other
    figures are averages over the runs. Times are in UTC."""
    low, middle, high = map(_stamp, outcome.finish())
    cost = outcome.cost()
    return {
        "campaign": rehearsal.name,
        "start": _stamp(rehearsal.start),
        "people": rehearsal.people.source,
        "seeds": [run.seed for run in outcome.runs],
        "recipients": outcome.recipients,
        "finish": {"p10": low, "p50": middle, "p90": high},
        "unfinished_runs": outcome.unfinished,
        "calls": _report(outcome.band_of(lambda run: run.calls)),
        "reached": _report(outcome.band_of(lambda run: run.reached)),
        "reached_share": _report(outcome.band_of(lambda run: run.reached_share)),
        "most_in_flight": _report(outcome.band_of(lambda run: run.most_in_flight)),
        "talk_seconds": _report(outcome.band_of(lambda run: run.talk_seconds)),
        "cost_millionths": None if cost is None else _report(cost),
        "currency": rehearsal.currency,
        "recipients_by_outcome": outcome.mean_of(lambda run: run.by_outcome),
        "calls_by_outcome": outcome.mean_of(lambda run: run.calls_by_outcome),
        "calls_by_line": outcome.mean_of(lambda run: run.calls_by_line),
        "recipients_by_attempts": {
            str(attempts): people for attempts, people in outcome.attempts_per_person().items()
        },
        "wait_hours_per_recipient": outcome.waits(),
        "reached_over_time": [
            {"at": _stamp(point.at), **_report(point.band)} for point in outcome.reached_over_time()
        ],
        "calls_by_hour": [
            {"hour": _stamp(hour), "zone": zone, "calls": calls}
            for (hour, zone), calls in outcome.calls_by_hour().items()
        ],
        "slots_by_hour": [
            {"hour": _stamp(hour), "slots": slots}
            for hour, slots in outcome.slots_by_hour().items()
        ],
    }


def _report(band: Band) -> dict[str, float]:
    return {"p10": band.low, "p50": band.middle, "p90": band.high}


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M}Z"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
