"""Whatever happens in whatever order: nobody is lost, no slot leaks, and the counts add up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, FenceVerdict
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.call import calls, events, settlement
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.states import finish_campaign
from outdial.store.claims.leases import close_fence, release_unplaced
from outdial.store.db.database import Database
from outdial.store.db.tables import call, lease
from outdial.store.roster import roster
from tests.builders import LINE, House, event
from tests.databases import empty
from tests.generating import examples

pytestmark = pytest.mark.both_databases

PEOPLE = 6
_ENDS = (
    CallStatus.COMPLETED,
    CallStatus.BUSY,
    CallStatus.NO_ANSWER,
    CallStatus.FAILED,
    CallStatus.CANCELED,
)
_SENT = (Fence.PLACING, Fence.PLACED)


class Story:
    """One campaign to which things happen; what is chosen is chosen by a number."""

    def __init__(self, database: Database) -> None:
        self.house = House(database)
        self.house.line()
        retry = {
            "max_attempts": 3,
            "busy": {"delays": "1m", "max_attempts": 3},
            "no_answer": {"delays": ["2m", "next_day"]},
            "failed": {"delays": "30s"},
        }
        self.campaign: CampaignRecord = self.house.launch(
            PEOPLE,
            retry=retry,
            pacing={"max_concurrent": 3},
        )
        self.live: list[str] = []
        self.over: list[str] = []

    def claim(self, choice: int) -> None:
        claim = self.house.claim(self.campaign, limit=1 + choice % 3)
        self.live += [claimed.call_id for claimed in claim.calls]

    def fence(self, choice: int) -> None:
        if self.live:
            self.house.fence(self.live[choice % len(self.live)])

    def place(self, choice: int) -> None:
        call_id = self._some(choice)
        if call_id and self.house.fence(call_id).verdict is FenceVerdict.GO:
            self.house.place(call_id)

    def refuse(self, choice: int) -> None:
        call_id = self._some(choice)
        if call_id:
            self.house.write(
                lambda s: calls.record_not_placed(
                    s, call_id, failure=FailureClass.THROTTLED, detail=None, now=self.house.now
                )
            )

    def end(self, choice: int) -> None:
        call_id = self._some(choice)
        if call_id is None:
            return
        fence = self._fence_of(call_id)
        rang = fence in _SENT
        status = _ENDS[choice % len(_ENDS)] if rang else CallStatus.CANCELED
        wait = timedelta(seconds=20 * (choice % 2))
        self.house.end(call_id, status, may_have_rung=rang, analysis_wait=wait)
        self.live.remove(call_id)
        self.over.append(call_id)

    def end_again(self, choice: int) -> None:
        if self.over:
            call_id = self.over[choice % len(self.over)]
            assert not self.house.end(call_id, _ENDS[choice % len(_ENDS)]).changed

    def analyse(self, choice: int) -> None:
        # What is reported of a call that was given up takes its slot again: test_late_reports.py.
        sent = self.live + [over for over in self.over if self._fence_of(over) in _SENT]
        if sent:
            call_id = sent[choice % len(sent)]
            disposition = (None, "booked", "call_me_later", "opted_out")[choice % 4]
            analysis = event(
                f"a-{call_id}-{choice}", kind="analysis", call_id=call_id, disposition=disposition
            )
            self.house.write(lambda s: events.store_events(s, LINE, [analysis], now=self.house.now))

    def settle(self, choice: int) -> None:
        self.house.write(
            lambda s: settlement.settle_overdue(s, self.campaign.id, now=self.house.now)
        )

    def sweep(self, choice: int) -> None:
        call_id = self._some(choice)
        if call_id is None:
            return
        fence = self.house.write(lambda s: close_fence(s, call_id, now=self.house.now))
        if fence in (Fence.CLAIMED, Fence.CLOSED, Fence.NOT_PLACED):
            freed = self.house.write(lambda s: release_unplaced(s, call_id, now=self.house.now))
            assert freed.changed
            self.live.remove(call_id)
            self.over.append(call_id)

    def pause(self, choice: int) -> None:
        self.house.set_state(self.campaign, CampaignState.PAUSED)

    def resume(self, choice: int) -> None:
        self.house.set_state(self.campaign, CampaignState.RUNNING)

    def wait(self, choice: int) -> None:
        self.house.later(seconds=(1, 30, 120, 86_400)[choice % 4])

    def _some(self, choice: int) -> str | None:
        return self.live[choice % len(self.live)] if self.live else None

    def _fence_of(self, call_id: str) -> Fence:
        record = self.house.write(lambda s: calls.get_call(s, call_id))
        assert record is not None
        return record.fence

    def check(self) -> None:
        self.house.database.read_sync(self._check)

    def _check(self, s: Session) -> None:
        progress = read_progress(s, self.campaign.id)
        assert progress.recipients == PEOPLE == sum(progress.by_state.values())
        assert sum(progress.by_outcome.values()) == progress.by_state["done"]
        assert progress.in_flight == len(self.live) == progress.by_state["calling"] <= 3
        assert sum(progress.calls.values()) == len(self.live) + len(self.over)
        people = roster.list_recipients(s, self.campaign.id, launch=1)
        assert sum(person.calls for person in people) == sum(progress.calls.values())
        assert sum(person.attempts for person in people) == progress.attempts
        assert all(person.attempts <= 3 for person in people)
        assert self._calls_without_lease(s) == 0

    def _calls_without_lease(self, s: Session) -> int:
        ends = [status.value for status in CallStatus if status.terminal]
        without = (
            select(func.count())
            .select_from(call)
            .join(lease, lease.c.call_id == call.c.id, isouter=True)
            .where(
                call.c.campaign_id == self.campaign.id,
                (lease.c.call_id.is_(None)) != call.c.status.in_(ends),
            )
        )
        return int(s.connection().execute(without).scalar_one())

    def finish(self) -> None:
        """Let it run: it ends, and everybody has an outcome."""
        self.resume(0)
        for _ in range(50):
            for call_id in list(self.live):
                self.house.fence(call_id)
                self.end(self.live.index(call_id))
            self.house.later(hours=13)
            self.claim(2)
            over = self.house.write(
                lambda s: finish_campaign(s, self.campaign.id, now=self.house.now)
            )
            if over is not None:
                break
        self.check()
        people = self.house.write(lambda s: roster.list_recipients(s, self.campaign.id, launch=1))
        assert {person.state for person in people} == {RecipientState.DONE}
        assert all(person.outcome and person.reason for person in people)


ACTS: tuple[Callable[[Story, int], None], ...] = (
    Story.claim,
    Story.claim,
    Story.fence,
    Story.place,
    Story.place,
    Story.refuse,
    Story.end,
    Story.end,
    Story.end_again,
    Story.analyse,
    Story.settle,
    Story.sweep,
    Story.pause,
    Story.resume,
    Story.wait,
)


@settings(max_examples=examples(6))
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 11)), min_size=10, max_size=30))
def test_counts_add_up(
    session_database: Database, acts: list[tuple[Callable[[Story, int], None], int]]
) -> None:
    empty(session_database)
    story = Story(session_database)
    for act, choice in acts:
        act(story, choice)
        story.check()
    story.finish()
