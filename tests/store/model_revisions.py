"""Changed files, applied to campaigns of the model: nobody there gets lost, or comes twice."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlmodel import Session

from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.store.campaign import campaigns
from outdial.store.campaign.proposals import Proposal, apply_proposal, propose
from outdial.store.campaign.revisions import NO_NOTE
from outdial.store.db.errors import CampaignEnded
from outdial.store.roster import flip
from outdial.store.roster.rows import ReadSoFar, write_chunk
from outdial.store.roster.staging import begin_addition
from tests.builders import House, definition, draft, located, phone
from tests.store.model_invariants import LINES, OF_CAMPAIGN, RETRY, Invariants
from tests.store.model_money import BUDGETS, Money

NUMBERS = 5


class Revisions(Money, Invariants):
    """Of the model."""

    house: House
    campaigns: list[CampaignRecord]
    serial: int

    def _campaign(self, data: st.DataObject) -> CampaignRecord:
        return data.draw(st.sampled_from(self.campaigns))

    def _definition(self, name: str, lines: Any, budget: Any) -> Any:
        pacing = {"max_concurrent": OF_CAMPAIGN}
        return definition(name, line=lines, retry=RETRY, pacing=pacing, budget=budget)

    @rule(
        data=st.data(),
        numbers=st.sets(st.integers(0, NUMBERS - 1), min_size=1),
        lines=st.sampled_from(LINES),
        budget=st.sampled_from(BUDGETS),
        removes=st.booleans(),
        limit=st.sampled_from([1, 2, 1000]),
    )
    def apply_revision(
        self,
        data: st.DataObject,
        numbers: set[int],
        lines: Any,
        budget: Any,
        removes: bool,
        limit: int,
    ) -> None:
        """A changed file, with its people: nobody who is there gets lost, or comes twice."""
        chosen, before = self._campaign(data), self._people()
        self.serial += 1
        name = f"revision-{self.serial}"
        try:
            given = self._definition(chosen.name, lines, budget)
            of = self._propose(chosen, name, sorted(numbers), given, removes=removes)
            self.house.write(lambda s: apply_proposal(s, chosen.id, name, now=self.house.now))
        except CampaignEnded:
            return
        self._note_limits(chosen.id, given.budget)
        while self.house.write(
            lambda s: flip.move_some(s, of, now=self.house.now, by_workflow=True, limit=limit)
        ):
            pass
        after = self._people()
        assert before.keys() <= after.keys()
        own = [number for campaign_id, number in after.values() if campaign_id == chosen.id]
        assert len(own) == len(set(own)), "somebody came twice"
        self.enrolled[chosen.id] = len(own)

    def _people(self) -> dict[int, tuple[int, str]]:
        """Campaign and next number of everybody, by id."""
        rows = self._snapshot()
        return {row["person"]: (row["campaign_id"], row["own"]) for row in rows}

    def _propose(
        self, chosen: CampaignRecord, name: str, numbers: list[int], given: Any, *, removes: bool
    ) -> StagingRecord:
        now = self.house.now
        record = self.house.write(lambda s: campaigns.require_campaign(s, chosen.id))
        rows = located([draft(at, phone=phone(number)) for at, number in enumerate(numbers)])

        def work(s: Session) -> StagingRecord:
            of = begin_addition(s, chosen.id, name, now=now, merges=True)
            write_chunk(s, of, "one", rows, ReadSoFar(len(rows)), now=now)
            new = Proposal(name, chosen.id, record.revision, given, "", (), NO_NOTE, of.id)
            propose(s, new, removes=removes, now=now)
            return of

        return self.house.write(work)
