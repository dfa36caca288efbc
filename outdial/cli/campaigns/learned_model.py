"""A learned people model as a YAML file, with intervals in comments, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from outdial.cli.output import plural
from outdial.domain.intervals import Interval
from outdial.rehearsal.learning import LEAST_OF_HOURS, LEAST_OF_SPREAD, Estimate, LearnedModel
from outdial.rehearsal.people import Endings, PeopleModel, Spread


def model_text(learned: LearnedModel) -> str:
    """The file's text. `outdial rehearse --people` reads it."""
    return "".join(f"{line}\n" for line in _lines(learned))


def learned_report(learned: LearnedModel) -> dict[str, Any]:
    """A learned model for programs; intervals are those of 95 % confidence."""
    return {
        "model": learned.model.model_dump(mode="json"),
        "people": learned.people,
        "calls": learned.calls,
        "unreachable": _report(learned.unreachable),
        "hang_up": _report(learned.hang_up),
        "endings": _reports(learned.endings),
        "dispositions": _reports(learned.dispositions),
        "medians": _reports(learned.spreads),
    }


def _lines(learned: LearnedModel) -> Iterator[str]:
    model = learned.model
    yield f"# Fitted to {plural(learned.calls, 'call')} to {_people(learned.people)}."
    yield "# In brackets: 95 % confidence. `outdial schema people` describes every key."
    yield ""
    yield f"source: {json.dumps(model.source, ensure_ascii=False)}"
    yield ""
    yield "# Of all calls ended in"
    for ending, estimate in learned.endings.items():
        if estimate.value:
            yield f"#   {ending}: {_share(estimate)}"
    yield "# Below are the shares of people who answer at times: those who never do are apart."
    yield f"endings: {_weights(model.endings)}"
    if model.by_hour:
        yield ""
        yield f"# Parts of the week with {LEAST_OF_HOURS} calls or more, pulled towards all calls."
        yield "by_hour:"
        for entry in model.by_hour:
            days = ", ".join(day.value for day in entry.days)
            hours = ", ".join(f'"{span}"' for span in entry.hours)
            yield f"  - {{days: [{days}], hours: [{hours}], endings: {_weights(entry.endings)}}}"
    yield ""
    yield f"unreachable: {model.unreachable:g}  # of {_people(learned.people)} " + _ends(
        learned.unreachable.interval, 100, " %"
    )
    yield f"hang_up: {model.hang_up:g}  # {_share(learned.hang_up)}"
    if model.hang_up_disposition is not None:
        yield f"hang_up_disposition: {json.dumps(model.hang_up_disposition)}"
    if learned.dispositions:
        yield "dispositions:"
        for name, estimate in learned.dispositions.items():
            share = model.dispositions[name]
            yield f"  {json.dumps(name)}: {share:g}  # {_share(estimate)}"
    yield ""
    yield f"# Durations. With fewer than {LEAST_OF_SPREAD} of a kind, it is the guess that ships."
    for name in PeopleModel.model_fields:
        spread = getattr(model, name)
        if isinstance(spread, Spread):
            yield f"{name}: {{median: {spread.median:g}, p90: {spread.p90:g}}}  # " + _median(
                learned.spreads.get(name)
            )


def _weights(endings: Endings) -> str:
    named = zip(Endings.model_fields, endings.weights, strict=True)
    return "{" + ", ".join(f"{name}: {weight:g}" for name, weight in named if weight) + "}"


def _people(count: int) -> str:
    return plural(count, "person", "people")


def _share(estimate: Estimate) -> str:
    """`27.1 % of 1,204 (24.7 to 29.7 %)`."""
    if not estimate.of:
        return "of none"
    ends = _ends(estimate.interval, 100, " %")
    return f"{estimate.value:.1%} of {estimate.of:,} {ends}".replace("%", " %", 1)


def _median(estimate: Estimate | None) -> str:
    if estimate is None:
        return "a guess"
    return f"of {estimate.of:,} {_ends(estimate.interval, 1, '')}".rstrip()


def _ends(interval: Interval | None, factor: float, unit: str) -> str:
    if interval is None:
        return ""
    return f"({interval.low * factor:.1f} to {interval.high * factor:.1f}{unit})"


def _reports(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: _report(estimate) for name, estimate in estimates.items()}


def _report(estimate: Estimate) -> dict[str, float | None]:
    interval = estimate.interval
    return {
        "value": estimate.value,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
        "of": estimate.of,
    }
