"""The figures of one run, and bands of them over several."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from outdial.domain.clocks import load_zone
from outdial.rehearsal.loop import Attempt, Ending
from outdial.rehearsal.roster import Person
from outdial.rehearsal.waits import Waits

Price = Callable[[Attempt], int]
"""What a call costs, in millionths of the campaign's currency."""
HOUR = 3600
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9


@dataclass(slots=True)
class RunFigures:
    """What one run of a rehearsal came to. Hours are counted from 1970, in UTC."""

    seed: int
    started_at: datetime
    ended_at: datetime
    finished: bool
    """False: recipients were left at the horizon, or when the budget was spent."""
    recipients: int
    calls: int = 0
    """Those that were placed."""
    withdrawn: int = 0
    """Calls that were withdrawn before they were placed."""
    reached: int = 0
    """People who answered at least once."""
    most_in_flight: int = 0
    talk_seconds: float = 0.0
    cost: int | None = None
    """Millionths of the currency; None: no line has a price."""
    by_outcome: Counter[str] = field(default_factory=Counter)
    """Recipients by their last outcome."""
    calls_by_outcome: Counter[str] = field(default_factory=Counter)
    attempts_per_person: Counter[int] = field(default_factory=Counter)
    """How many people got so many attempts."""
    reached_by_hour: Counter[int] = field(default_factory=Counter)
    """People who answered for the first time, by the hour in which they did."""
    calls_by_hour_and_zone: Counter[tuple[int, str]] = field(default_factory=Counter)
    calls_by_line: Counter[str] = field(default_factory=Counter)
    slot_seconds_by_hour: dict[int, float] = field(default_factory=dict)
    """How long slots were in use, all together; an hour of one slot is 3600."""
    waits: Waits = field(default_factory=Waits)

    @property
    def seconds(self) -> float:
        """From the launch to the end."""
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def reached_share(self) -> float:
        return self.reached / self.recipients if self.recipients else 0.0

    @property
    def calls_per_person(self) -> float:
        return self.calls / self.recipients if self.recipients else 0.0


class Recorder:
    """Adds up the calls of a run as they end."""

    def __init__(self, seed: int, started_at: datetime, price: Price | None = None) -> None:
        self.figures = RunFigures(seed, started_at, started_at, finished=False, recipients=0)
        self._price = price
        if price is not None:
            self.figures.cost = 0
        self._reached: set[int] = set()

    def record(self, attempt: Attempt) -> None:
        figures = self.figures
        if attempt.placed_at is None:
            figures.withdrawn += 1
            return
        figures.calls += 1
        figures.talk_seconds += attempt.talk_seconds
        figures.calls_by_outcome[attempt.outcome] += 1
        figures.calls_by_line[attempt.line] += 1
        begun, ended = attempt.placed_at.timestamp(), attempt.ended_at.timestamp()
        figures.calls_by_hour_and_zone[int(begun // HOUR), attempt.zone] += 1
        self._use_slot(begun, ended)
        if attempt.reached and attempt.position not in self._reached:
            self._reached.add(attempt.position)
            answered_at = attempt.answered_at or attempt.ended_at
            figures.reached_by_hour[int(answered_at.timestamp() // HOUR)] += 1
        if self._price is not None and figures.cost is not None:
            figures.cost += self._price(attempt)

    def _use_slot(self, begun: float, ended: float) -> None:
        used = self.figures.slot_seconds_by_hour
        while begun < ended:
            hour = int(begun // HOUR)
            until = min(ended, (hour + 1) * HOUR)
            used[hour] = used.get(hour, 0.0) + until - begun
            begun = until

    def close(self, ending: Ending, people: Iterable[Person], waits: Waits) -> RunFigures:
        """The figures of the run that has ended."""
        figures = self.figures
        figures.ended_at, figures.finished = ending.at, ending.finished
        figures.most_in_flight = ending.most_in_flight
        figures.reached = len(self._reached)
        figures.waits = waits
        for person in people:
            figures.recipients += 1
            figures.attempts_per_person[person.attempts] += 1
            figures.by_outcome[(person.outcome if person.done else None) or "open"] += 1
        return figures


class Band(NamedTuple):
    """A figure over several runs: one in ten lies below `low`, one in ten above `high`."""

    low: float
    middle: float
    high: float


class HourBand(NamedTuple):
    """A figure of an hour, or at its end, over several runs."""

    at: datetime
    band: Band


def band(values: Sequence[float]) -> Band:
    """The 10th, 50th and 90th percentile, between the two nearest values where none is there."""
    ordered = sorted(values)
    return Band(*(_percentile(ordered, share) for share in (LOW, MIDDLE, HIGH)))


def _percentile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The runs of one rehearsal, in the order of their seeds; at least one."""

    runs: tuple[RunFigures, ...]

    def band_of(self, figure: Callable[[RunFigures], float]) -> Band:
        return band([figure(run) for run in self.runs])

    @property
    def started_at(self) -> datetime:
        return self.runs[0].started_at

    @property
    def recipients(self) -> int:
        return self.runs[0].recipients

    @property
    def unfinished(self) -> int:
        """Runs that left recipients at the horizon, or when the budget was spent."""
        return sum(not run.finished for run in self.runs)

    def finish(self) -> tuple[datetime, datetime, datetime]:
        """When it is over, as a band."""
        low, middle, high = (
            self.started_at + timedelta(seconds=round(seconds))
            for seconds in self.band_of(lambda run: run.seconds)
        )
        return low, middle, high

    def cost(self) -> Band | None:
        """In millionths of the currency; None: no line has a price."""
        costs = [run.cost for run in self.runs if run.cost is not None]
        return band(costs) if len(costs) == len(self.runs) else None

    def reached_over_time(self) -> list[HourBand]:
        """The share of recipients who have answered by the end of each hour in which that grew."""
        hours = sorted({hour for run in self.runs for hour in run.reached_by_hour})
        curves = [_Curve(run) for run in self.runs]
        return [
            HourBand(_end_of(hour), band([curve.share_at(hour) for curve in curves]))
            for hour in hours
        ]

    def mean_of(self, figure: Callable[[RunFigures], Counter[str]]) -> dict[str, float]:
        """Counts by name, on average over the runs; the most first."""
        total: Counter[str] = Counter()
        for run in self.runs:
            total.update(figure(run))
        return {name: count / len(self.runs) for name, count in total.most_common()}

    def attempts_per_person(self) -> dict[int, float]:
        """How many people get so many attempts, on average over the runs."""
        total: Counter[int] = Counter()
        for run in self.runs:
            total.update(run.attempts_per_person)
        return {attempts: total[attempts] / len(self.runs) for attempts in sorted(total)}

    def waits(self) -> dict[str, float]:
        """Hours that a recipient waits on average, by the code of the reason; the longest first."""
        seconds: dict[str, float] = {}
        for run in self.runs:
            for code, waited in run.waits.seconds.items():
                seconds[code] = seconds.get(code, 0.0) + waited
        people = max(1, self.recipients * len(self.runs))
        longest = sorted(seconds.items(), key=lambda item: -item[1])
        return {code: waited / HOUR / people for code, waited in longest}

    def calls_by_hour(self) -> dict[tuple[datetime, str], float]:
        """Calls by the beginning of the hour and the zone, on average over the runs."""
        total: Counter[tuple[int, str]] = Counter()
        for run in self.runs:
            total.update(run.calls_by_hour_and_zone)
        return {
            (datetime.fromtimestamp(hour * HOUR, UTC), zone): count / len(self.runs)
            for (hour, zone), count in sorted(total.items())
        }

    def calls_by_clock_hour(self) -> dict[str, tuple[float, ...]]:
        """Calls in each hour of the day on the clocks of a zone, by zone, on average over the
        runs."""
        hours: dict[str, list[float]] = {}
        for (at, zone), calls in self.calls_by_hour().items():
            of_zone = hours.setdefault(zone, [0.0] * 24)
            of_zone[at.astimezone(load_zone(zone)).hour] += calls
        return {zone: tuple(hours[zone]) for zone in sorted(hours)}

    def slots_by_hour(self) -> dict[datetime, float]:
        """Slots in use, by the beginning of the hour, on average over hour and runs."""
        total: dict[int, float] = {}
        for run in self.runs:
            for hour, seconds in run.slot_seconds_by_hour.items():
                total[hour] = total.get(hour, 0.0) + seconds
        return {
            datetime.fromtimestamp(hour * HOUR, UTC): total[hour] / HOUR / len(self.runs)
            for hour in sorted(total)
        }

    def slots_over_time(self) -> list[HourBand]:
        """Slots in use on average over an hour, by its beginning; none in the hours around those
        in which some are."""
        used = {hour for run in self.runs for hour in run.slot_seconds_by_hour}
        around = {hour + step for hour in used for step in (-1, 1)}
        return [
            HourBand(
                datetime.fromtimestamp(hour * HOUR, UTC),
                band([run.slot_seconds_by_hour.get(hour, 0.0) / HOUR for run in self.runs]),
            )
            for hour in sorted(used | around)
        ]


class _Curve:
    """The share of recipients reached by the end of an hour."""

    def __init__(self, run: RunFigures) -> None:
        self._hours = sorted(run.reached_by_hour)
        self._reached = (0, *accumulate(run.reached_by_hour[hour] for hour in self._hours))
        self._recipients = max(1, run.recipients)

    def share_at(self, hour: int) -> float:
        return self._reached[bisect_right(self._hours, hour)] / self._recipients


def _end_of(hour: int) -> datetime:
    return datetime.fromtimestamp((hour + 1) * HOUR, UTC)
