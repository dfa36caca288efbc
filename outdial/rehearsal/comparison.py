"""Two campaigns rehearsed with the same seeds: what the second does differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from outdial.domain.intervals import Interval, mean_interval
from outdial.domain.numbers.phone import subscriber
from outdial.rehearsal.outcome import Outcome, RunFigures
from outdial.rehearsal.rehearsal import Rehearsal

Figure = Callable[[RunFigures], float]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of the second campaign less that of the first."""

    mean: float
    """Over the pairs of runs with the same seed."""
    interval: Interval | None
    """Of the mean, with 95 % confidence; None: of a single pair."""

    @property
    def certain(self) -> bool:
        """Whether its sign is: all of the interval is on one side of nothing."""
        return self.interval is not None and (self.interval.low > 0 or self.interval.high < 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outcomes of two campaigns over the same seeds, in the same order. As the same person does
    the same at the same attempt in both runs of a pair, what differs is due to the campaigns."""

    first: Outcome
    second: Outcome
    currency: str | None = None
    """In which both have their costs; None: they have none, or in different ones."""

    def difference(self, figure: Figure) -> Difference:
        """Of a figure that runs have."""
        pairs = zip(self.first.runs, self.second.runs, strict=True)
        differences = [figure(later) - figure(earlier) for earlier, later in pairs]
        return Difference(fmean(differences), mean_interval(differences))

    def finish_difference(self) -> Difference | None:
        """Of the seconds to the end; None where a run did not end."""
        if self.first.unfinished or self.second.unfinished:
            return None
        return self.difference(lambda run: run.seconds)

    def cost_difference(self) -> Difference | None:
        """In millionths of the currency; None where they have none in common, or where a line has
        no price."""
        if self.currency is None or self.first.cost() is None or self.second.cost() is None:
            return None
        return self.difference(lambda run: run.cost or 0)


def shared_currency(first: Rehearsal, second: Rehearsal) -> str | None:
    """The currency of both; None where they differ."""
    return first.currency if first.currency == second.currency else None


def same_recipients(first: Rehearsal, second: Rehearsal) -> bool:
    """Whether both call the same numbers, each at the same position."""
    return [subscriber(draft.phone) for draft in first.drafts] == [
        subscriber(draft.phone) for draft in second.drafts
    ]
