"""Counters of a report. Each holds as much as there are names, or a bound, however many rows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache

from outdial.domain.call.status import AnsweredBy
from outdial.domain.clocks import load_zone
from outdial.domain.report.facts import ReportedCall
from outdial.domain.report.rate import Rate, percentile
from outdial.domain.report.report import Bucket, Durations, GroupFigures

MILLION = 1_000_000
HOUR = 3600
_QUARTER = 900
MOST_NAMES = 1000
"""Names that are counted each for itself; the rest together."""
OTHERS = "others"
_EDGES = (0, 5, 15, 30, 60, 120, 300, 600, 1200)


class Names:
    """Gives each name back until there are too many, then one for the rest."""

    def __init__(self, most: int = MOST_NAMES, rest: str = OTHERS) -> None:
        self._most = most
        self._rest = rest
        self._names: set[str] = set()

    def of(self, name: str) -> str:
        if name in self._names:
            return name
        if len(self._names) >= self._most:
            return self._rest
        self._names.add(name)
        return name


@lru_cache(maxsize=65_536)
def _hour_of_quarter(zone: str, quarter: int) -> int:
    return datetime.fromtimestamp(quarter * _QUARTER, UTC).astimezone(load_zone(zone)).hour


def local_hour(zone: str, at: datetime) -> int:
    """The hour of the day in a zone. Offsets of zones are multiples of a quarter of an hour."""
    return _hour_of_quarter(zone, int(at.timestamp() // _QUARTER))


class Prices:
    """The sum of what calls cost, exact: in whole millionths."""

    __slots__ = ("calls", "total")

    def __init__(self) -> None:
        self.calls = 0
        self.total = 0

    def add(self, price: int | None) -> None:
        if price is not None:
            self.calls += 1
            self.total += price

    @property
    def sum(self) -> int | None:
        return self.total if self.calls else None

    def per(self, count: int) -> int | None:
        """For each of so many; None where there is no price, or none of them."""
        return round(self.total / count) if self.calls and count else None


class Seconds:
    """Durations in whole seconds."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        self._counts[max(0, round(seconds))] += 1

    def durations(self) -> Durations:
        counts, calls = self._counts, self._counts.total()
        total = sum(value * count for value, count in counts.items())
        low, middle, high = (
            percentile(counts, share) if calls else None for share in (0.1, 0.5, 0.9)
        )
        return Durations(
            calls=calls,
            total=total,
            mean=total / calls if calls else None,
            p10=low,
            p50=middle,
            p90=high,
            longest=max(counts) if calls else None,
            buckets=self._buckets(),
        )

    def _buckets(self) -> list[Bucket]:
        ends = (*_EDGES[1:], None)
        return [
            Bucket(
                from_seconds=first,
                to_seconds=end,
                calls=sum(
                    count
                    for value, count in self._counts.items()
                    if value >= first and (end is None or value < end)
                ),
            )
            for first, end in zip(_EDGES, ends, strict=True)
        ]


class Group:
    """The calls of one name. Only attempts are counted, and what any call costs."""

    __slots__ = (
        "attempts",
        "by_person",
        "outcomes",
        "prices",
        "right",
        "screened",
        "talk",
        "voicemail",
    )

    def __init__(self) -> None:
        self.attempts = self.by_person = self.voicemail = self.screened = self.right = 0
        self.talk = 0
        self.prices = Prices()
        self.outcomes: Counter[str] = Counter()

    def add(self, call: ReportedCall, *, right: bool, outcome: str) -> None:
        self.prices.add(call.price)
        if not call.is_attempt:
            return
        self.attempts += 1
        self.outcomes[outcome] += 1
        self.right += right
        if call.by_person:
            self.by_person += 1
            self.talk += round(call.duration_seconds or 0)
        elif call.answered:
            self.voicemail += call.answered_by is AnsweredBy.MACHINE
            self.screened += call.answered_by is AnsweredBy.SCREENER

    def figures(self, name: str) -> GroupFigures:
        return GroupFigures(
            name=name,
            attempts=self.attempts,
            answered_by_person=Rate.of_counts(self.by_person, self.attempts),
            voicemail=self.voicemail,
            screened=self.screened,
            right_outcome=Rate.of_counts(self.right, self.attempts),
            talk_seconds=self.talk,
            cost_millionths=self.prices.sum,
            outcomes=dict(self.outcomes.most_common()),
        )


class Groups:
    """The calls by one of their properties."""

    def __init__(self) -> None:
        self._names = Names()
        self._groups: dict[str, Group] = {}

    def add(self, name: str, call: ReportedCall, *, right: bool, outcome: str) -> None:
        name = self._names.of(name)
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group()
        group.add(call, right=right, outcome=outcome)

    def figures(self) -> list[GroupFigures]:
        """Those with the most attempts first."""
        figures = [group.figures(name) for name, group in self._groups.items()]
        return sorted(figures, key=lambda each: (-each.attempts, each.name))
