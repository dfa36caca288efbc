"""Revisions that tests of the store propose, with recipients or without, and apply."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from outdial.domain.record import CampaignRecord, RecipientRecord, StagingRecord
from outdial.store.campaign.proposals import (
    Proposal,
    apply_proposal,
    propose,
)
from outdial.store.campaign.revisions import RevisionNote
from outdial.store.roster import flip, merging, staging
from outdial.store.roster.merging import RosterComparison
from outdial.store.roster.requeue import FROM_THE_START
from outdial.store.roster.rows import ReadSoFar, write_chunk
from tests.builders import LINE, House, definition, draft, located, phone
from tests.store.stagings import people


def proposed(
    house: House,
    campaign: CampaignRecord,
    *,
    proposal: str = "p1",
    of: StagingRecord | None = None,
    removes: bool = False,
    note: RevisionNote | None = None,
    **changes: Any,
) -> str:
    new = Proposal(
        id=proposal,
        campaign_id=campaign.id,
        revision=campaign.revision,
        definition=definition(**changes),
        source_text="source",
        endpoints=(),
        note=note or RevisionNote("user ana", "too fast"),
        staging_id=None if of is None else of.id,
    )
    house.write(lambda s: propose(s, new, removes=removes, now=house.now))
    return proposal


def apply(house: House, campaign: CampaignRecord, proposal: str = "p1") -> CampaignRecord:
    return house.write(lambda s: apply_proposal(s, campaign.id, proposal, now=house.now))


def staged(
    house: House,
    campaign: CampaignRecord,
    numbers: list[int],
    public_id: str = "rows",
    *,
    chunk: int = 1000,
    **more: Any,
) -> StagingRecord:
    of = house.write(
        lambda s: staging.begin_addition(s, campaign.id, public_id, now=house.now, merges=True)
    )
    rows = located([draft(at, phone=phone(number), **more) for at, number in enumerate(numbers)])
    so_far = ReadSoFar(len(rows))
    for at in range(0, len(rows), chunk):
        some = rows[at : at + chunk]
        house.write(lambda s, some=some: write_chunk(s, of, LINE, some, so_far, now=house.now))  # type: ignore[misc]
    return of


def merge(house: House, of: StagingRecord, limit: int = 1000) -> int:
    steps = 0
    while house.write(lambda s: flip.move_some(s, of, now=house.now, limit=limit)):
        steps += 1
    return steps


def compare(house: House, campaign: CampaignRecord, of: StagingRecord) -> RosterComparison:
    def work(s: Session) -> RosterComparison:
        total, at = RosterComparison(), -1
        while True:
            part, last = merging.compare_rows(s, campaign, of, at, 2)
            total += part
            if last is None:
                break
            at = last
        at = FROM_THE_START
        while True:
            part, last = merging.count_missing(s, campaign, of, at, 2)
            total += part
            if last is None:
                return total
            at = last

    return house.write(work)


def by_number(house: House, campaign: CampaignRecord) -> dict[str, list[RecipientRecord]]:
    found: dict[str, list[RecipientRecord]] = {}
    for one in people(house, campaign):
        found.setdefault(one.phone, []).append(one)
    return found
