"""A call that was given up as never placed, and reported all the same: whenever the report comes,
there is no second live call to the number, and it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from outdial.domain.call.claim import CampaignState, ClaimedCall, FenceVerdict
from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import CallRecord, CampaignRecord, RecipientState
from outdial.store.call import calls, events
from outdial.store.claims.leases import close_fence, leases_to_check, release_unplaced
from outdial.store.db.tables import lease, recipient
from tests.builders import LINE, House, event

RETRY = {"max_attempts": 3, "failed": {"delays": "5m"}, "no_answer": {"delays": "10m"}}
LOST = {"failure": FailureClass.UNAVAILABLE, "may_have_rung": False, "not_placed": True}


def _given_up(house: House, call_id: str) -> bool:
    return house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail="never arrived", now=house.now
        )
    )


def _report(house: House, call_id: str, status: CallStatus, **more: object) -> CallEvent:
    reported = event(
        f"{call_id}-{status}", call_id=call_id, status=status, provider_call_id="p1", **more
    ).model_copy(update={"at": house.now})
    house.write(lambda s: events.store_events(s, LINE, [reported], now=house.now))
    return reported


def _read(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record


def _holders(house: House) -> list[str]:
    return list(house.write(lambda s: s.connection().execute(select(lease.c.call_id)).scalars()))


def _person(house: House) -> tuple[RecipientState, int, str | None]:
    row = house.write(lambda s: s.connection().execute(select(recipient)).mappings().one())
    return RecipientState(row["state"]), row["attempts"], row["outcome"]


@pytest.fixture
def campaign(house: House) -> CampaignRecord:
    return house.launch(1, retry=RETRY)


@pytest.fixture
def lost(house: House, campaign: CampaignRecord) -> ClaimedCall:
    """Its request left, and nothing was heard of it."""
    call = house.claim_one(campaign)
    assert house.fence(call.call_id).verdict is FenceVerdict.GO
    house.later(seconds=30)
    return call


@pytest.mark.parametrize("status", [CallStatus.RINGING, CallStatus.IN_PROGRESS])
@pytest.mark.parametrize("given_up", [True, False])
def test_an_end_that_says_never_placed_is_not_believed_once_it_was_reported(
    house: House, lost: ClaimedCall, status: CallStatus, given_up: bool
) -> None:
    if given_up:
        assert _given_up(house, lost.call_id)
    _report(house, lost.call_id, status)
    assert not _given_up(house, lost.call_id)
    end = house.end(lost.call_id, CallStatus.FAILED, **LOST)
    assert (end.changed, end.status) == (False, status)
    assert _holders(house) == [lost.call_id]
    assert _read(house, lost.call_id).fence is Fence.PLACED
    house.end(lost.call_id, CallStatus.COMPLETED)
    assert _person(house) == (RecipientState.DONE, 1, "completed")
    assert _read(house, lost.call_id).failure is None


@pytest.mark.parametrize("status", [CallStatus.RINGING, CallStatus.IN_PROGRESS])
def test_a_call_reported_after_its_end_keeps_its_number_busy(
    house: House, campaign: CampaignRecord, lost: ClaimedCall, status: CallStatus
) -> None:
    _given_up(house, lost.call_id)
    house.end(lost.call_id, CallStatus.FAILED, **LOST)
    assert _person(house)[:2] == (RecipientState.WAITING, 0)
    _report(house, lost.call_id, status)
    assert _holders(house) == [lost.call_id]
    assert _person(house)[1] == 1, "it is an attempt"
    other = house.launch(1, "other")
    for _ in range(3):
        assert house.claim(campaign).calls == ()
        assert house.claim(other).calls == ()
        house.later(seconds=6)
    (check,) = house.write(
        lambda s: leases_to_check(s, now=house.now, older_than=timedelta(0), limit=9)
    )
    assert check.expires_at > house.now + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("status", "state", "outcome"),
    [
        (CallStatus.COMPLETED, RecipientState.DONE, "completed"),
        (CallStatus.NO_ANSWER, RecipientState.WAITING, "unknown"),
        (CallStatus.BUSY, RecipientState.WAITING, "unknown"),
    ],
)
def test_the_end_of_a_call_reported_late_frees_it_and_decides(
    house: House,
    campaign: CampaignRecord,
    lost: ClaimedCall,
    status: CallStatus,
    state: RecipientState,
    outcome: str,
) -> None:
    _given_up(house, lost.call_id)
    house.end(lost.call_id, CallStatus.FAILED, **LOST)
    _report(house, lost.call_id, CallStatus.RINGING)
    house.later(seconds=20)
    _report(house, lost.call_id, status)
    assert _holders(house) == []
    assert _person(house) == (state, 1, outcome)
    assert _read(house, lost.call_id).status is CallStatus.FAILED, "terminal is terminal"
    house.later(minutes=10)
    assert house.claim(campaign).calls == (), "nobody is dialed again that soon"


def test_a_sweep_frees_a_call_reported_late(house: House, lost: ClaimedCall) -> None:
    _given_up(house, lost.call_id)
    house.end(lost.call_id, CallStatus.FAILED, **LOST)
    _report(house, lost.call_id, CallStatus.RINGING)
    house.end(lost.call_id, CallStatus.NO_ANSWER)
    assert _holders(house) == []
    assert _person(house)[1] == 1


def test_a_redial_that_was_claimed_already_is_not_dialed(
    house: House, campaign: CampaignRecord, lost: ClaimedCall
) -> None:
    _given_up(house, lost.call_id)
    house.end(lost.call_id, CallStatus.FAILED, **LOST)
    house.later(minutes=6)
    redial = house.claim_one(campaign)
    _report(house, lost.call_id, CallStatus.RINGING)
    assert house.fence(redial.call_id).verdict is FenceVerdict.WITHDRAWN
    house.end(redial.call_id, CallStatus.CANCELED, may_have_rung=False)
    assert _holders(house) == [lost.call_id]
    assert house.claim(campaign).calls == ()


def test_a_redial_that_has_left_is_not_disturbed(
    house: House, campaign: CampaignRecord, lost: ClaimedCall
) -> None:
    _given_up(house, lost.call_id)
    house.end(lost.call_id, CallStatus.FAILED, **LOST)
    house.later(minutes=6)
    redial = house.claim_one(campaign)
    house.place(redial.call_id, "p2")
    _report(house, lost.call_id, CallStatus.RINGING)
    _report(house, lost.call_id, CallStatus.COMPLETED)
    assert _holders(house) == [redial.call_id]
    assert _person(house)[:2] == (RecipientState.CALLING, 1)
    house.end(redial.call_id, CallStatus.NO_ANSWER)
    assert _person(house)[1] == 2


def test_one_who_ended_meanwhile_stays_ended(
    house: House, campaign: CampaignRecord, lost: ClaimedCall
) -> None:
    _given_up(house, lost.call_id)
    house.set_state(campaign, CampaignState.STOPPING)
    house.end(lost.call_id, CallStatus.FAILED, **LOST)
    _report(house, lost.call_id, CallStatus.RINGING)
    assert _person(house)[:2] == (RecipientState.DONE, 1)
    assert _holders(house) == [lost.call_id]


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (FailureClass.REJECTED, RecipientState.DONE),
        (FailureClass.THROTTLED, RecipientState.WAITING),
        (FailureClass.MISCONFIGURED, RecipientState.WAITING),
        (FailureClass.UNAVAILABLE, RecipientState.WAITING),
    ],
)
@pytest.mark.parametrize("recorded_by", ["another_worker", "sweeper", "absent"])
def test_what_the_provider_answered_outlives_the_worker_that_heard_it(
    house: House, failure: FailureClass, state: RecipientState, recorded_by: str
) -> None:
    call_id = house.claim_one(house.launch(1, retry=RETRY)).call_id
    house.fence(call_id)
    wait = timedelta(seconds=40) if failure is FailureClass.THROTTLED else None
    house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=failure, detail="no", now=house.now, retry_after=wait
        )
    )
    passed = house.fence(call_id)
    assert (passed.verdict, passed.failure) == (FenceVerdict.NOT_PLACED, failure)
    assert (passed.reason, passed.retry_after) == ("no", wait)
    if recorded_by == "another_worker":  # of an older version, which takes it for withdrawn
        house.end(call_id, CallStatus.CANCELED, may_have_rung=False)
    elif recorded_by == "absent":
        house.end(call_id, CallStatus.FAILED, **LOST)
    else:
        assert house.write(lambda s: close_fence(s, call_id, now=house.now)) is Fence.NOT_PLACED
        house.write(lambda s: release_unplaced(s, call_id, now=house.now))
    ended = _read(house, call_id)
    assert (ended.status, ended.failure) == (CallStatus.FAILED, failure)
    assert _person(house) == (state, 0, f"failed:{failure.value}")
