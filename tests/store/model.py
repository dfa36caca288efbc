"""A model of the store under everything that happens to it, as a Hypothesis state machine.

Every rule is one transaction, or what leaves between two; so wherever a process might be killed,
another rule may come next instead, and what was not written down is lost. Workers' clocks differ.
After each step the invariants of the design are read from the database and from the telephones.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.call import calls, events, settlement
from outdial.store.campaign import campaigns
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.leases import close_fence, leases_to_check, release_unplaced
from outdial.store.claims.reservation import claim_calls
from outdial.store.compliance import suppressions
from outdial.store.db.errors import CampaignEnded, IllegalTransition
from outdial.store.db.tables import campaign, recipient
from outdial.store.lines.lines import ensure_lines
from outdial.store.roster import roster
from tests.builders import TIMEOUT, House, draft, event, located, phone
from tests.databases import InThread, empty
from tests.store.model_invariants import (
    COUNTED,
    LINES,
    MOST_ON_LINE,
    REFUSALS,
    Phone,
    in_order,
)  # fmt: skip
from tests.store.model_money import BUDGETS, RAISED, price_of, priced
from tests.store.model_revisions import NUMBERS, Revisions

SKEW = timedelta(seconds=4)
"""By how much a worker's clock may be off, once it is corrected."""
LAG = timedelta(seconds=5)
"""How long a provider's list may not show a call that it has."""
_ENDS = (CallStatus.NO_ANSWER, CallStatus.BUSY, CallStatus.COMPLETED, CallStatus.FAILED)


class StoreModel(Revisions, RuleBasedStateMachine):
    """Bound to a database by `model_of`."""

    @initialize(budget=st.sampled_from(BUDGETS))
    def begin(self, budget: Any) -> None:
        empty(self.database)
        self.house = House(self.database)
        both = [priced("one", "simulated", MOST_ON_LINE), priced(COUNTED, "vapi", MOST_ON_LINE)]
        self.house.write(lambda s: ensure_lines(s, "default", both))
        self.limits, self.never_arrived = {}, set()
        self.campaigns: list[CampaignRecord] = []
        self.enrolled: dict[int, int] = {}
        self.phones: dict[str, Phone] = {}
        self.statuses: dict[str, CallStatus] = {}
        self.open: list[str] = []
        """Calls whose workflow has not recorded an end."""
        self.keys: dict[str, tuple[int, int]] = {}
        """Of claims: the campaign, and how many calls there were."""
        self.serial = 0
        self.finished: set[int] = set()
        self.launch(0, 2, LINES[0], budget)

    # --- what operators do

    @precondition(lambda self: len(self.campaigns) < 3)
    @rule(
        first=st.integers(0, NUMBERS - 1),
        people=st.integers(1, 4),
        lines=st.sampled_from(LINES),
        budget=st.sampled_from(BUDGETS),
    )
    def launch(self, first: int, people: int, lines: Any, budget: Any) -> None:
        """Campaigns share numbers."""
        name = f"c{len(self.campaigns)}"
        given, now = self._definition(name, lines, budget), self.house.now
        new = self.house.write(
            lambda s: campaigns.launch_campaign(s, "default", given, "", now=now, again=False)
        ).record
        rows = located(
            [
                draft(i, phone=phone((first + i) % NUMBERS), alternate_phones=self._others(i))
                for i in range(people)
            ]
        )
        self.house.write(lambda s: roster.enroll_chunk(s, new.id, new.launch, 0, rows))
        self.house.write(lambda s: roster.mark_enrolled(s, new.id, new.launch))
        self.campaigns.append(new)
        self.enrolled[new.id] = people
        self._note_limits(new.id, given.budget)

    @rule(data=st.data(), lines=st.sampled_from(LINES), budget=st.sampled_from(BUDGETS))
    def edit(self, data: st.DataObject, lines: Any, budget: Any) -> None:
        self._edit(self._campaign(data), lines, budget)

    def _edit(self, chosen: CampaignRecord, lines: Any, budget: Any) -> None:
        edited, now = self._definition(chosen.name, lines, budget), self.house.now
        self._note_limits(chosen.id, edited.budget)
        self._try(lambda s: campaigns.apply_definition(s, chosen.id, edited, "", now=now))

    @rule(
        data=st.data(),
        state=st.sampled_from(
            [CampaignState.PAUSED, CampaignState.RUNNING, CampaignState.STOPPING]
        ),
    )
    def set_state(self, data: st.DataObject, state: CampaignState) -> None:
        chosen = self._campaign(data)
        self._try(lambda s: set_campaign_state(s, chosen.id, state, now=self.house.now))

    @rule(number=st.integers(0, NUMBERS - 1), listed=st.booleans())
    def suppress(self, number: int, listed: bool) -> None:
        now, to, why = self.house.now, phone(number), "asked"
        if listed:
            self.house.write(
                lambda s: suppressions.suppress_all(s, "default", [to], why, now=now, source="test")
            )
        else:
            self.house.write(lambda s: suppressions.lift(s, "default", to, now=now))

    @rule(seconds=st.sampled_from([1, 3, 7, 20, 61, 310, 3700, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.house.later(seconds=seconds)

    # --- what workers do

    @rule(data=st.data(), limit=st.integers(1, 4), skew=st.integers(-1, 1))
    def claim(self, data: st.DataObject, limit: int, skew: int) -> None:
        chosen = self._campaign(data)
        self.serial += 1
        self._claim(chosen.id, f"key-{self.serial}", limit, skew)

    @precondition(lambda self: self.keys)
    @rule(data=st.data(), skew=st.integers(-1, 1))
    def repeat_claim(self, data: st.DataObject, skew: int) -> None:
        """Whoever claimed died before it could say so."""
        key = data.draw(st.sampled_from(sorted(self.keys)))
        campaign_id, made = self.keys[key]
        new = self._claim(campaign_id, key, 4, skew)
        assert not (made and new), "a claim that was repeated made more calls"

    @precondition(lambda self: self.open)
    @rule(
        data=st.data(),
        answer=st.sampled_from(
            ["taken", "taken", "taken", "unheard", "lost", *(str(f) for f in REFUSALS)]
        ),
        skew=st.integers(-1, 1),
    )
    def place(self, data: st.DataObject, answer: str, skew: int) -> None:
        """The fence's transaction, and the request; a worker may do so any number of times."""
        self._place(data.draw(st.sampled_from(self.open)), answer, self._at(skew))

    @rule(
        data=st.data(),
        answers=st.lists(st.sampled_from(["taken", "unheard", "unheard", "lost"]), max_size=2),
    )
    def call_people(self, data: st.DataObject, answers: list[str]) -> None:
        """A claim and its requests, one after the other."""
        self.serial += 1
        chosen = self._campaign(data)
        for call_id in self._claim(chosen.id, f"key-{self.serial}", 2, 0):
            if answers:
                self._place(call_id, answers.pop(), self.house.now)

    def _place(self, call_id: str, answer: str, now: Any) -> None:
        passed, request = self.house.write(
            lambda s: raise_fence(s, call_id, now=now, placement_timeout=TIMEOUT)
        )
        if request is None:
            return
        assert call_id not in self.phones, "a second request for one call"
        row = self._row(call_id)
        assert row["campaign_state"] == CampaignState.RUNNING, "dialed while it must not"
        to = request.to
        listed = self._read(lambda s: suppressions.is_suppressed(s, "default", to))
        assert listed is None, "dialed a number that is listed"
        if passed.line == COUNTED:
            self._within_ceiling(to, now)
        new = self.phones[call_id] = Phone(call_id, to, passed.line, answer, at=now)
        if new.exists:
            new.reported.append(CallStatus.RINGING)

    @precondition(lambda self: self._unrecorded())
    @rule(data=st.data(), skew=st.integers(-1, 1))
    def answer(self, data: st.DataObject, skew: int) -> None:
        """The worker writes down how the request was answered; it may have died instead."""
        phone = data.draw(st.sampled_from(self._unrecorded()))
        phone.recorded, now = True, self._at(skew)
        if phone.answer == "taken":
            self.house.write(
                lambda s: events.record_placed(s, phone.call_id, phone.provider_id, now=now)
            )
        elif phone.answer in ("unheard", "lost"):
            self.house.write(
                lambda s: calls.record_doubt(s, phone.call_id, detail="timeout", now=now)
            )
        else:
            self.house.write(
                lambda s: calls.record_not_placed(
                    s, phone.call_id, failure=FailureClass(phone.answer), detail="no", now=now
                )
            )

    @precondition(lambda self: self.open)
    @rule(data=st.data(), shown=st.booleans(), skew=st.integers(-1, 1))
    def look_up(self, data: st.DataObject, shown: bool, skew: int) -> None:
        """Ask the provider; its list may not show the call, even after the lag that it states."""
        call_id = data.draw(st.sampled_from(self.open))
        self._look_up(call_id, shown, self._at(skew))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), wait=st.sampled_from([0, 30]), skew=st.integers(-1, 1))
    def end(self, data: st.DataObject, wait: int, skew: int) -> None:
        """The workflow, or the sweeper in its place, records an end that it knows of."""
        call_id = data.draw(st.sampled_from(self.open))
        self._end(call_id, self._at(skew), timedelta(seconds=wait))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), skew=st.integers(-1, 1))
    def sweep(self, data: st.DataObject, skew: int) -> None:
        """The workflow is gone: what has not left is given back, what has is looked for."""
        self._sweep(data.draw(st.sampled_from(self.open)), self._at(skew))

    def _sweep(self, call_id: str, now: Any) -> None:
        fence = self.house.write(lambda s: close_fence(s, call_id, now=now))
        if fence in (Fence.CLAIMED, Fence.CLOSED, Fence.NOT_PLACED):
            self.house.write(lambda s: release_unplaced(s, call_id, now=now))
            self._forget_ended()

    @precondition(lambda self: self._unheard())
    @rule(data=st.data(), reported=st.booleans())
    def give_up(self, data: st.DataObject, reported: bool) -> None:
        """The response was lost and the provider's list lags: taken for never placed, and ended."""
        call_id = data.draw(st.sampled_from(self._unheard()))
        self.house.later(seconds=30)
        self._look_up(call_id, False, self.house.now)
        self._end(call_id, self.house.now, timedelta(0))
        if reported:
            self._report(self.phones[call_id], CallStatus.RINGING, self.house.now)

    def _unheard(self) -> list[str]:
        return [one for one in self.open if one in self.phones and self.phones[one].live]

    # --- what telephones and their providers do

    @precondition(lambda self: self._live_phones())
    @rule(data=st.data(), status=st.sampled_from([CallStatus.IN_PROGRESS, *_ENDS]))
    def telephone(self, data: st.DataObject, status: CallStatus) -> None:
        live = data.draw(st.sampled_from(self._live_phones()))
        self._move_phone(live, status)

    @precondition(lambda self: self._reported())
    @rule(data=st.data(), by_our_id=st.booleans(), skew=st.integers(-1, 1))
    def report(self, data: st.DataObject, by_our_id: bool, skew: int) -> None:
        """Any report, in whatever order, however often."""
        teller = data.draw(st.sampled_from(self._reported()))
        status = data.draw(st.sampled_from(teller.reported))
        self._report(teller, status, self._at(skew), by_our_id=by_our_id)

    # --- what must hold

    @invariant()
    def invariants_hold(self) -> None:
        if not hasattr(self, "house"):
            return
        statuses, leases = self._statuses(), self._leases()
        self._limits_hold(statuses, leases)
        self._no_slot_is_freed_while_the_phone_may_ring(leases)
        self._statuses_move_forward(statuses)
        self._nobody_is_lost()
        self._counts_are_kept()
        self._nothing_is_overspent()

    def teardown(self) -> None:
        """Nobody is stuck: left alone, everything comes to its end within days."""
        if not hasattr(self, "house"):
            return
        for running in self.campaigns:
            self._edit(running, LINES[2], RAISED)
            self._try(
                lambda s, c=running: set_campaign_state(
                    s, c.id, CampaignState.RUNNING, now=self.house.now
                )
            )
        for _ in range(40):
            if self._finish_round():
                break
        assert self._leases() == [], "slots that nobody frees"
        open_states = select(recipient.c.state, recipient.c.line, recipient.c.reason).where(
            recipient.c.state != RecipientState.DONE.value
        )
        left = self._read(lambda s: s.connection().execute(open_states).all())
        assert left == [], "people who are stuck"
        states = self._read(
            lambda s: s.connection().execute(select(campaign.c.state)).scalars().all()
        )
        assert all(CampaignState(state).over for state in states), states

    def _finish_round(self) -> bool:
        self.house.later(hours=7)
        for live in self._live_phones():
            self._move_phone(live, CallStatus.NO_ANSWER)
            if live.call_id not in self.open:
                self._report(live, live.reported[-1], self.house.now)
        for call_id in list(self.open):
            self._sweep(call_id, self.house.now)
            if call_id in self.open:
                self._look_up(call_id, True, self.house.now, last=1)
                self._end(call_id, self.house.now, timedelta(0))
        if self._leases():
            self._sweep_late()
        over = True
        for one in self.campaigns:
            if one.id in self.finished:
                continue
            self.serial += 1
            for call_id in self._claim(one.id, f"key-{self.serial}", 4, 0):
                self._place(call_id, "taken", self.house.now)
            done = self.house.write(
                lambda s, c=one: finish_campaign(s, c.id, now=self.house.now)  # type: ignore[misc]
            )
            if done is not None and done.state.over:
                self.finished.add(one.id)
            else:
                over = False
        return over and not self.open

    def _sweep_late(self) -> None:
        """Slots of calls that have ended and were reported late; the sweeper frees them."""
        checks = self.house.write(
            lambda s: leases_to_check(s, now=self.house.now, older_than=timedelta(0), limit=99)
        )
        for check in checks:
            phone = self.phones.get(check.call.id)
            if check.call.status.terminal and (phone is None or not phone.live):
                self.house.end(check.call.id, CallStatus.NO_ANSWER)

    # --- helpers

    def _others(self, position: int) -> tuple[str, ...]:
        return (phone(NUMBERS + position),) if position % 2 else ()

    def _at(self, skew: int) -> Any:
        return self.house.now + skew * SKEW

    def _try(self, work: Any) -> None:
        with contextlib.suppress(IllegalTransition, CampaignEnded):
            self.house.write(work)

    def _claim(self, campaign_id: int, key: str, limit: int, skew: int) -> list[str]:
        now = self._at(skew)
        claimed = self.house.write(
            lambda s: claim_calls(s, campaign_id, key, now=now, limit=limit).claim
        )
        ids = [one.call_id for one in sorted(claimed.calls, key=in_order)]
        self.keys[key] = campaign_id, len(ids)
        new = [call_id for call_id in ids if call_id not in self.statuses]
        self.open += new
        for call_id in new:
            self.statuses[call_id] = CallStatus.QUEUED
        return new

    def _look_up(self, call_id: str, shown: bool, now: Any, *, last: int = 0) -> None:
        """`last` is how many of the reports are read again; 0: all."""
        phone = self.phones.get(call_id)
        row = self._row(call_id)
        if phone is not None and phone.exists and shown:
            self.house.write(lambda s: events.record_placed(s, call_id, phone.provider_id, now=now))
            for status in phone.reported[-last:]:
                self._report(phone, status, now)
            return
        deadline = row["fence_deadline"]
        if row["fence"] != Fence.PLACING or deadline is None or now <= deadline + LAG + SKEW:
            return
        gone = self.house.write(
            lambda s: calls.record_not_placed(
                s, call_id, failure=FailureClass.UNAVAILABLE, detail="never arrived", now=now
            )
        )
        if gone:
            self.never_arrived.add(call_id)
        if gone and phone is not None:
            phone.given_up = True

    def _end(self, call_id: str, now: Any, wait: timedelta) -> None:
        phone, row = self.phones.get(call_id), self._row(call_id)
        fence = Fence(row["fence"])
        if fence is Fence.CLOSED:
            how = CallEnd(status=CallStatus.CANCELED, at=now, may_have_rung=False)
        elif fence is Fence.NOT_PLACED:
            how = CallEnd(status=CallStatus.FAILED, at=now, may_have_rung=False, not_placed=True)
        elif phone is not None and phone.exists and phone.over and fence is Fence.PLACED:
            how = CallEnd(status=phone.reported[-1], at=now, analysis_wait=wait)
        elif fence is Fence.PLACING and now > row["created_at"] + timedelta(hours=2):
            how = CallEnd(
                status=CallStatus.FAILED, at=now, failure=FailureClass.UNKNOWN
            )  # no call lasts so long
            if phone is not None:
                phone.over = True
        else:
            return
        self.house.write(lambda s: settlement.end_call(s, call_id, how, now=now))
        self._forget_ended()

    def _forget_ended(self) -> None:
        over = {call_id for call_id, status in self._statuses().items() if status.terminal}
        self.open = [call_id for call_id in self.open if call_id not in over]

    def _report(
        self, teller: Phone, status: CallStatus, now: Any, *, by_our_id: bool = True
    ) -> None:
        reported = event(
            f"{teller.call_id}-{status}",
            call_id=teller.call_id if by_our_id else None,
            provider_call_id=teller.provider_id,
            status=status,
            cost=price_of(teller.number) if status.terminal else None,
        ).model_copy(update={"at": now})
        self.house.write(lambda s: events.store_events(s, teller.line, [reported], now=now))
        provider_id_stored = self._row(teller.call_id)["provider_call_id"] == teller.provider_id
        if not (provider_id_stored and teller.live):
            return
        holders = [row["call_id"] for row in self._leases() if row["phone"] == teller.number]
        assert holders, f"{teller} was reported, and its number is free"
        if holders == [teller.call_id]:
            teller.given_up = False


def model_of(database: InThread) -> type[StoreModel]:
    return type("BoundModel", (StoreModel,), {"database": database})
