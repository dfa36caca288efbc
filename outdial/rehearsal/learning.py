"""A people model that is fitted to calls that have ended, with 95 % confidence intervals.

Calls are handed in by person: how people who never answer are told from those who have not answered
yet depends on how often each was called.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from outdial.domain.call.past_call import PastCall, PastPerson
from outdial.domain.call.status import (
    BOOKED,
    CALL_ME_LATER,
    OPTED_OUT,
    AnsweredBy,
    CallStatus,
    FailureClass,
)
from outdial.domain.clocks import load_zone
from outdial.domain.definition.schedule import Weekday
from outdial.domain.intervals import Interval, median_interval, wilson
from outdial.rehearsal.people import (
    LONGEST_SECONDS,
    Endings,
    HourEndings,
    PeopleModel,
    Spread,
)
from outdial.rehearsal.reachability import Reachability, fit_reachability

HANG_UP_SECONDS = 10
"""A person's talk that is no longer, and came to no result, counts as hung up at once."""
LEAST_OF_HOURS = 20
"""Calls in a part of the week; with fewer, it has no endings of its own."""
LEAST_OF_SPREAD = 10
"""Durations of a kind; with fewer, the guess that ships is kept."""
_PULL = 20.0
"""As many calls that ended as all do are added to those of a part of the week, so that few calls
make no extreme shares."""
_RESULTS = frozenset({BOOKED, CALL_ME_LATER, OPTED_OUT})
_HUNG_UP = "hung_up"
_ANSWER = "answer"
_LATE, _WEEKDAYS = 24, 5
_PARTS = (0, 9, 12, 14, 17, 19, 21, _LATE)
"""Hours at which parts of a day begin or end."""
_DAYS = (
    (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI),
    (Weekday.SAT,),
    (Weekday.SUN,),
)
PartOfWeek = tuple[int, int]
"""Which of `_DAYS`, and the hour at which it begins."""


class Estimate(NamedTuple):
    """A figure of the model, and what its data allow."""

    value: float
    interval: Interval | None
    of: int
    """How many calls or people it rests on."""


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A fitted model, and how certain its figures are."""

    model: PeopleModel
    people: int
    """Who were called."""
    calls: int
    endings: Mapping[str, Estimate]
    """The share of calls that ended in each way, whoever was called."""
    unreachable: Estimate
    hang_up: Estimate
    dispositions: Mapping[str, Estimate]
    spreads: Mapping[str, Estimate]
    """Medians; a kind of duration that is left out is a guess."""


def ending_of(call: PastCall) -> str | None:
    """How a call ended, as a field of `Endings`; None where it says nothing about people, such as a
    fault of a line. Where nobody says who answered, it was a person."""
    if call.status is CallStatus.COMPLETED:
        if call.answered_by is AnsweredBy.MACHINE:
            return "voicemail"
        return "screener" if call.answered_by is AnsweredBy.SCREENER else _ANSWER
    if call.status in (CallStatus.NO_ANSWER, CallStatus.BUSY):
        return call.status.value
    if call.status is not CallStatus.FAILED:
        return None
    if call.failure in (FailureClass.REJECTED, FailureClass.REFUSED):
        return "rejected"
    return "failed" if call.failure in (FailureClass.UNAVAILABLE, None) else None


@dataclass(slots=True)
class _Sums:
    """Of one ending over people: `x` calls that ended so, of `n` calls."""

    x: int = 0
    xx: int = 0
    xn: int = 0


@dataclass(slots=True)
class Learner:
    """Adds people up, and fits a model to them. What it keeps does not grow with the people."""

    _people: int = 0
    _calls: int = 0
    _squares: int = 0
    """Of the calls of each person, added up."""
    _sums: dict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    _parts: Counter[tuple[PartOfWeek, str, int]] = field(default_factory=Counter)
    """Calls by part of the week, ending, and how often the person was called in vain; 0 for those
    who have answered."""
    _reached: Counter[tuple[int, int]] = field(default_factory=Counter)
    """People by their answers and their other calls."""
    _dispositions: Counter[str | None] = field(default_factory=Counter)
    _hung_up: Counter[str | None] = field(default_factory=Counter)
    _seconds: dict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    """Durations by kind, to three digits."""

    @property
    def people(self) -> int:
        return self._people

    def add(self, people: Iterable[PastPerson]) -> None:
        for person in people:
            self._add(person)

    def _add(self, person: PastPerson) -> None:
        ended = [(call, ending) for call in person.calls if (ending := ending_of(call))]
        if not ended:
            return
        counts = Counter(ending for _, ending in ended)
        made, answered = len(ended), counts[_ANSWER]
        self._people += 1
        self._calls += made
        self._squares += made * made
        self._reached[answered, made - answered] += 1
        for ending, count in counts.items():
            sums = self._sums[ending]
            sums.x += count
            sums.xx += count * count
            sums.xn += count * made
        in_vain = 0 if answered else made
        for call, ending in ended:
            self._parts[_part_of_week(person.zone, call.at), ending, in_vain] += 1
            self._add_details(call, ending)

    def _add_details(self, call: PastCall, ending: str) -> None:
        self._note("dial_seconds", call.dial_seconds)
        if ending == "voicemail":
            self._note("machine_seconds", call.ring_seconds)
            self._note("voicemail_seconds", call.talk_seconds)
        elif ending == "screener":
            self._note("screener_seconds", call.ring_seconds)
            self._note("screened_seconds", call.talk_seconds)
        elif ending == _ANSWER:
            self._note("ring_seconds", call.ring_seconds)
            hung_up = _hung_up(call)
            (self._hung_up if hung_up else self._dispositions)[call.disposition] += 1
            self._note("hang_up_seconds" if hung_up else "talk_seconds", call.talk_seconds)
            if call.disposition == CALL_ME_LATER:
                self._note("redial_hours", call.redial_hours)

    def _note(self, kind: str, seconds: float | None) -> None:
        if seconds is not None and 0 < seconds <= LONGEST_SECONDS:
            self._seconds[kind][float(f"{seconds:.3g}")] += 1

    def fit(self, source: str) -> LearnedModel:
        """The model; at least one call has ended. `source` says where the calls come from."""
        reachability = fit_reachability(self._reached)
        weights = self._weighted(reachability)
        talked, hung_up = self._dispositions.total(), self._hung_up.total()
        hang_up = _share(hung_up, talked + hung_up)
        dispositions = {
            name: _share(count, talked)
            for name, count in self._dispositions.most_common()
            if name is not None
        }
        spreads = dict(self._spreads())
        of_all = _added(weights.values())
        [(said, _)] = self._hung_up.most_common(1) or [(None, 0)]
        model = PeopleModel.model_validate(
            {
                "source": source,
                "endings": _endings(of_all),
                "by_hour": tuple(_by_hour(weights, self._calls_by_part(), of_all)),
                "unreachable": reachability.unreachable,
                "hang_up": _rounded(hang_up.value),
                "dispositions": {name: _rounded(one.value) for name, one in dispositions.items()},
                "hang_up_disposition": said,
                **{name: spread for name, (spread, _) in spreads.items()},
            }
        )
        return LearnedModel(
            model=model,
            people=self._people,
            calls=self._calls,
            endings={name: self._estimate(name) for name in Endings.model_fields},
            unreachable=Estimate(reachability.unreachable, reachability.interval, self._people),
            hang_up=hang_up,
            dispositions=dispositions,
            spreads={name: estimate for name, (_, estimate) in spreads.items()},
        )

    def _estimate(self, ending: str) -> Estimate:
        """The share of calls with an ending. Calls to one person are alike, so that they count for
        fewer than they are (a design effect)."""
        sums, calls = self._sums.get(ending, _Sums()), self._calls
        share = sums.x / calls
        variance = sums.xx - 2 * share * sums.xn + share * share * self._squares
        independent = share * (1 - share) * calls * calls / variance if variance > 0 else calls
        of = min(float(calls), independent) or float(calls)
        return Estimate(share, wilson(share * of, of), calls)

    def _weighted(self, reachability: Reachability) -> dict[PartOfWeek, dict[str, float]]:
        """Calls by part of the week and ending, each with the chance that it was to a person who
        answers at times: these alone have the model's shares."""
        weights: dict[PartOfWeek, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (part, ending, in_vain), count in self._parts.items():
            weights[part][ending] += count * reachability.answers_at_times(in_vain)
        return weights

    def _calls_by_part(self) -> Counter[PartOfWeek]:
        calls: Counter[PartOfWeek] = Counter()
        for (part, _, _), count in self._parts.items():
            calls[part] += count
        return calls

    def _spreads(self) -> Iterator[tuple[str, tuple[Spread, Estimate]]]:
        for kind, seconds in self._seconds.items():
            if seconds.total() < LEAST_OF_SPREAD:
                continue
            ordered = sorted(seconds.elements())
            median, p90 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.9))
            spread = Spread(median=max(round(median, 2), 0.01), p90=max(round(p90, 2), 0.01))
            estimate = Estimate(spread.median, median_interval(ordered), len(ordered))
            yield kind, (spread, estimate)


def _part_of_week(zone: str, at: datetime) -> PartOfWeek:
    local = at.astimezone(load_zone(zone))
    days = max(0, local.weekday() - _WEEKDAYS + 1)
    return days, max(hour for hour in _PARTS if hour <= local.hour)


def _hung_up(call: PastCall) -> bool:
    if call.disposition == _HUNG_UP:
        return True
    short = call.talk_seconds is not None and call.talk_seconds <= HANG_UP_SECONDS
    return short and call.disposition not in _RESULTS


def _share(count: int, of: int) -> Estimate:
    if not of:
        return Estimate(0.0, None, 0)
    return Estimate(count / of, wilson(count, of), of)


def _added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for part in parts:
        for ending, weight in part.items():
            total[ending] += weight
    return total


def _by_hour(
    weights: Mapping[PartOfWeek, Mapping[str, float]],
    calls: Mapping[PartOfWeek, int],
    of_all: Mapping[str, float],
) -> Iterator[HourEndings]:
    """Parts of the week in which enough calls were made, pulled towards all calls."""
    in_all = sum(of_all.values())
    for part in sorted(weights):
        if calls[part] < LEAST_OF_HOURS:
            continue
        days, hour = part
        until = _PARTS[_PARTS.index(hour) + 1]
        pulled = {
            ending: weights[part].get(ending, 0.0) + _PULL * weight / in_all
            for ending, weight in of_all.items()
        }
        yield HourEndings.model_validate(
            {
                "days": _DAYS[days],
                "hours": f"{hour:02}:00-{until:02}:00",
                "endings": _endings(pulled),
            }
        )


def _endings(weights: Mapping[str, float]) -> Endings:
    total = math.fsum(weights.values())
    return Endings(**{ending: _rounded(weight / total) for ending, weight in weights.items()})


def _rounded(share: float) -> float:
    """Down, so that shares are not more than all together."""
    return math.floor(share * 10_000) / 10_000
