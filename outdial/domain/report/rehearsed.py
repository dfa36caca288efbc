"""A launch against the bands of its rehearsal."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.report.report import (
    BandComparison,
    BandPlace,
    CampaignReport,
    ComparedFigure,
    ComparedHour,
)

HOURS_COMPARE_WITHIN = timedelta(hours=1)
"""A launch that begins earlier or later than its rehearsal by more has other hours before it."""
_HOUR = timedelta(hours=1)


class RehearsedBand(BaseModel):
    """The 10th, 50th and 90th percentile over the runs of a rehearsal."""

    model_config = ConfigDict(frozen=True)

    p10: float
    p50: float
    p90: float

    def place_of(self, value: float) -> BandPlace:
        if value < self.p10:
            return BandPlace.BELOW
        return BandPlace.ABOVE if value > self.p90 else BandPlace.INSIDE


class RehearsedFinish(BaseModel):
    model_config = ConfigDict(frozen=True)

    p10: datetime
    p50: datetime
    p90: datetime

    def hours_after(self, start: datetime) -> RehearsedBand:
        low, middle, high = (
            (at - start).total_seconds() / 3600 for at in (self.p10, self.p50, self.p90)
        )
        return RehearsedBand(p10=low, p50=middle, p90=high)


class RehearsedHour(RehearsedBand):
    at: datetime


class RehearsedCampaign(BaseModel):
    """What `outdial rehearse --json` writes, as far as a launch is compared with it."""

    model_config = ConfigDict(frozen=True)

    campaign: str
    start: datetime
    seeds: list[int] = Field(min_length=1)
    recipients: int
    finish: RehearsedFinish
    unfinished_runs: int
    calls: RehearsedBand
    reached: RehearsedBand
    reached_share: RehearsedBand
    cost_millionths: RehearsedBand | None
    reached_over_time: list[RehearsedHour]


def compare_with_rehearsal(report: CampaignReport, rehearsed: RehearsedCampaign) -> CampaignReport:
    """The report, with its figures beside the bands of a rehearsal of that campaign."""
    apart = report.launched_at - rehearsed.start
    same_hours = abs(apart) <= HOURS_COMPARE_WITHIN
    comparison = BandComparison(
        start=rehearsed.start,
        runs=len(rehearsed.seeds),
        recipients=rehearsed.recipients,
        hours_compare=same_hours,
        figures=list(_figures(report, rehearsed, same_hours=same_hours)),
        hours=_hours(report, rehearsed) if same_hours else [],
    )
    return report.model_copy(update={"rehearsal": comparison})


def _figures(
    report: CampaignReport, rehearsed: RehearsedCampaign, *, same_hours: bool
) -> Iterator[ComparedFigure]:
    funnel = report.funnel
    reached = funnel.answered_by_person.count
    over = report.over
    yield _figure("calls", rehearsed.calls, report.answers.dialed, over=over)
    yield _figure("people_reached", rehearsed.reached, reached, over=over)
    share = reached / funnel.enrolled if funnel.enrolled else 0.0
    yield _figure("share_reached", rehearsed.reached_share, share, over=over)
    if same_hours and not rehearsed.unfinished_runs:
        lasted = report.finished_at and report.finished_at - report.launched_at
        hours = round(lasted.total_seconds()) / 3600 if lasted else None  # as bands are
        band = rehearsed.finish.hours_after(rehearsed.start)
        yield _figure("hours_to_finish", band, hours, over=over)
    if rehearsed.cost_millionths is not None:
        costs = report.costs
        whole = over and not costs.answered_without_price
        yield _figure(
            "cost_millionths", rehearsed.cost_millionths, costs.total_millionths, over=whole
        )


def _figure(name: str, band: RehearsedBand, real: float | None, *, over: bool) -> ComparedFigure:
    """`over`: `real` is all of it; before, it has no place yet."""
    place = band.place_of(real) if over and real is not None else None
    return ComparedFigure(name=name, real=real, place=place, **_of_band(band))


def _hours(report: CampaignReport, rehearsed: RehearsedCampaign) -> list[ComparedHour]:
    """Those that had passed when the report was made."""
    ends = [hour.at + _HOUR for hour in report.hours]
    reached = (0, *accumulate(hour.first_reached for hour in report.hours))
    people = max(1, report.funnel.enrolled)
    return [
        _compared(each, _share_at(each.at, ends, reached) / people)
        for each in rehearsed.reached_over_time
        if each.at <= report.made_at
    ]


def _share_at(at: datetime, ends: Sequence[datetime], reached: Sequence[int]) -> int:
    return reached[bisect_right(ends, at)]


def _compared(band: RehearsedHour, real: float) -> ComparedHour:
    return ComparedHour(at=band.at, real=real, place=band.place_of(real), **_of_band(band))


def _of_band(band: RehearsedBand) -> dict[str, float]:
    return {"p10": band.p10, "p50": band.p50, "p90": band.p90}
