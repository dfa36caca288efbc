"""Reports of launches: rows are read a page in a transaction, and added up between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlmodel import Session

from outdial.domain.record import CampaignRecord
from outdial.domain.report.fold import ReportFold
from outdial.domain.report.report import CampaignReport, LaunchHeader
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound, ReportTooLarge
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign.report_rows import PeoplePage, read_header, read_people

PAGE = 500
"""Recipients that are read in one transaction, with all their calls."""


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """How many recipients have been added up."""

    people: int
    of: int


Progress = Callable[[ReportProgress], None]


async def make_report(
    ctx: Resources,
    name: str,
    *,
    launch: int | None = None,
    right: Collection[str] = (),
    progress: Progress | None = None,
    at_most: int | None = None,
) -> CampaignReport:
    """Add up a launch of a campaign, by default the present one.

    `right` are the outcomes that count as right; none: those that a talk with a person usually is
    for. Raises NoSuchCampaign, NotFound for a launch, and ReportTooLarge where it has more
    recipients and calls than `at_most`.
    """
    record = await require_campaign(ctx, name)
    number = record.launch if launch is None else launch
    if not 1 <= number <= record.launch:
        raise NotFound("launch", str(number))
    header = await ctx.database.read(lambda s: read_header(s, record, number))
    rows = header.recipients + header.calls
    if at_most is not None and rows > at_most:
        raise ReportTooLarge(name, rows, at_most)
    fold = ReportFold(header, frozenset(right) or None)
    await _add_all(ctx, record, header, fold, progress)
    return await asyncio.to_thread(fold.report, ctx.clock())


async def _add_all(
    ctx: Resources,
    record: CampaignRecord,
    header: LaunchHeader,
    fold: ReportFold,
    progress: Progress | None,
) -> None:
    after: int | None = None
    while True:

        def read(s: Session, after: int | None = after) -> PeoplePage:
            return read_people(s, record.id, header.launch, after=after, limit=PAGE)

        page = await ctx.database.read(read)
        await asyncio.to_thread(fold.add, page.people)
        if progress is not None:
            progress(ReportProgress(fold.people, max(header.recipients, fold.people)))
        if page.last is None:
            return
        after = page.last
