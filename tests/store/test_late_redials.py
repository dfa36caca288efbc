"""What is reported late of a call, and the calls that were claimed since: nobody who has talked
is dialed again, nobody is lost, and whoever locks waits in one order."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, ClaimedCall, FenceVerdict
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass, Fence
from outdial.domain.decision.decision import Wait
from outdial.domain.decision.reasons import Reason
from outdial.domain.record import CallRecord, CampaignRecord, RecipientState, Settled
from outdial.store.call import calls, events
from outdial.store.call.locked_call import lock_calls
from outdial.store.claims import candidates, reservation
from outdial.store.claims.candidates import find_due, write_decisions
from outdial.store.compliance.subscribers import number_lock
from outdial.store.db.dialect import lock_keys
from outdial.store.db.tables import call, lease, recipient
from tests.builders import LINE, House, event, phone
from tests.store.racing import WAITS, apart, until_somebody_waits

RETRY = {
    "max_attempts": 5,
    "failed": {"delays": "5m", "max_attempts": 5},
    "no_answer": {"delays": "10m", "max_attempts": 5},
}
LOST = {"failure": FailureClass.UNAVAILABLE, "may_have_rung": False, "not_placed": True}


def _report(house: House, call_id: str, status: CallStatus, **more: object) -> list[Settled]:
    reported = event(
        f"{call_id}-{status}", call_id=call_id, status=status, provider_call_id="p1", **more
    ).model_copy(update={"at": house.now})
    stored = house.write(lambda s: events.store_events(s, LINE, [reported], now=house.now))
    return stored.settled


def _talked(house: House, call_id: str) -> list[Settled]:
    return _report(
        house,
        call_id,
        CallStatus.COMPLETED,
        answered_by=AnsweredBy.HUMAN,
        duration_seconds=120,
    )


def _read(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record


def _holders(house: House) -> list[str]:
    return list(house.write(lambda s: s.connection().execute(select(lease.c.call_id)).scalars()))


def _people(house: House) -> list[tuple[RecipientState, int, str | None]]:
    statement = select(recipient).order_by(recipient.c.id)
    rows = house.write(lambda s: s.connection().execute(statement).mappings().all())
    return [(RecipientState(row["state"]), row["attempts"], row["outcome"]) for row in rows]


def _give_up(house: House, call_id: str) -> None:
    house.fence(call_id)
    house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail="lost", now=house.now
        )
    )
    house.end(call_id, CallStatus.FAILED, **LOST)


def _nobody_is_dialed(house: House, *campaigns: CampaignRecord) -> None:
    for _ in range(4):
        for campaign in campaigns:
            assert house.claim(campaign).calls == ()
        house.later(minutes=6)


@pytest.fixture
def campaign(house: House) -> CampaignRecord:
    return house.launch(1, retry=RETRY)


@pytest.fixture
def lost(house: House, campaign: CampaignRecord) -> ClaimedCall:
    """It was given up as never placed."""
    claimed = house.claim_one(campaign)
    _give_up(house, claimed.call_id)
    house.later(minutes=6)
    return claimed


@pytest.fixture
def redial(house: House, campaign: CampaignRecord, lost: ClaimedCall) -> ClaimedCall:
    return house.claim_one(campaign)


DONE = [(RecipientState.DONE, 1, "completed")]


@pytest.mark.parametrize("first", [CallStatus.RINGING, CallStatus.IN_PROGRESS, None])
@pytest.mark.parametrize("redial_ends", ["at once", "after the talk", "never"])
def test_one_who_talked_in_a_call_that_was_given_up_is_not_dialed_by_the_redial(
    house: House,
    campaign: CampaignRecord,
    lost: ClaimedCall,
    redial: ClaimedCall,
    first: CallStatus | None,
    redial_ends: str,
) -> None:
    def end_redial() -> None:
        assert house.fence(redial.call_id).verdict is FenceVerdict.WITHDRAWN
        house.end(redial.call_id, CallStatus.CANCELED, may_have_rung=False)

    if first is not None:
        _report(house, lost.call_id, first)
        if redial_ends == "at once":
            end_redial()
        house.later(seconds=120)
    settled = _talked(house, lost.call_id)
    if first is not CallStatus.IN_PROGRESS:  # which proves it already
        assert [(each.recipient_done, each.changed) for each in settled] == [(True, True)]
    if redial_ends != "never":
        end_redial()
    assert _people(house) == DONE
    assert _holders(house) == []
    _nobody_is_dialed(house, campaign)


@pytest.mark.parametrize("after", ["no_answer", "failed"])
def test_one_whose_answer_is_proved_late_is_not_dialed_by_the_redial(
    house: House, campaign: CampaignRecord, after: str
) -> None:
    first = house.claim_one(campaign).call_id
    house.place(first, "p1")
    house.end(first, CallStatus(after))
    house.later(minutes=11)
    redial = house.claim_one(campaign).call_id
    _talked(house, first)
    assert house.fence(redial).verdict is FenceVerdict.WITHDRAWN
    assert _people(house) == DONE
    _nobody_is_dialed(house, campaign)


@pytest.mark.parametrize("first_counted", [True, False])
@pytest.mark.parametrize("refused", [FailureClass.THROTTLED, FailureClass.UNAVAILABLE])
def test_a_redial_that_left_and_was_not_taken_leads_to_no_other_after_a_talk(
    house: House, campaign: CampaignRecord, first_counted: bool, refused: FailureClass
) -> None:
    first = house.claim_one(campaign).call_id
    if first_counted:
        house.place(first, "p1")
        house.end(first, CallStatus.NO_ANSWER)
    else:
        _give_up(house, first)
    house.later(minutes=11)
    redial = house.claim_one(campaign).call_id
    assert house.fence(redial).verdict is FenceVerdict.GO
    _talked(house, first)
    assert _people(house)[0][0] is RecipientState.CALLING
    house.write(
        lambda s: calls.record_not_placed(s, redial, failure=refused, detail="429", now=house.now)
    )
    house.end(redial, CallStatus.FAILED, failure=refused, may_have_rung=False, not_placed=True)
    assert _people(house) == DONE
    _nobody_is_dialed(house, campaign)


def test_a_redial_that_was_not_taken_is_repeated_where_nobody_answered_before(
    house: House, campaign: CampaignRecord
) -> None:
    first = house.claim_one(campaign).call_id
    house.place(first, "p1")
    _report(house, first, CallStatus.RINGING)
    _report(house, first, CallStatus.NO_ANSWER)
    house.end(first, CallStatus.NO_ANSWER)
    house.later(minutes=11)
    redial = house.claim_one(campaign).call_id
    house.fence(redial)
    house.write(
        lambda s: calls.record_not_placed(
            s, redial, failure=FailureClass.THROTTLED, detail="429", now=house.now
        )
    )
    house.end(redial, CallStatus.FAILED, **(LOST | {"failure": FailureClass.THROTTLED}))
    house.later(seconds=6)
    assert house.claim(campaign).calls


def test_a_redial_whose_end_is_reported_after_a_talk_is_what_decides(
    house: House, campaign: CampaignRecord, lost: ClaimedCall, redial: ClaimedCall
) -> None:
    house.place(redial.call_id, "p2")
    _talked(house, lost.call_id)
    house.end(redial.call_id, CallStatus.NO_ANSWER)
    assert _people(house) == [(RecipientState.WAITING, 2, "no_answer")]


def test_a_withdrawn_redial_ends_though_its_workflow_never_starts(
    house: House, campaign: CampaignRecord, lost: ClaimedCall, redial: ClaimedCall
) -> None:
    _report(house, lost.call_id, CallStatus.RINGING)
    ended = _read(house, redial.call_id)
    assert (ended.status, ended.fence) == (CallStatus.CANCELED, Fence.CLOSED)
    assert _holders(house) == [lost.call_id]
    assert _people(house) == [(RecipientState.WAITING, 1, "unknown")]
    _report(house, lost.call_id, CallStatus.NO_ANSWER)
    house.later(days=1)
    assert house.claim(campaign).calls, "the person is called again"


def test_a_stopped_campaign_ends_though_the_workflow_of_a_withdrawn_redial_never_starts(
    house: House, campaign: CampaignRecord, lost: ClaimedCall, redial: ClaimedCall
) -> None:
    house.set_state(campaign, CampaignState.STOPPING)
    (settled,) = _report(house, lost.call_id, CallStatus.RINGING)
    assert (settled.call_id, settled.changed, settled.recipient_done) == (
        redial.call_id,
        True,
        True,
    )
    assert _people(house)[0][0] is RecipientState.DONE


def test_a_call_of_another_campaign_gives_its_number_back_and_its_person_waits(
    house: House, campaign: CampaignRecord, lost: ClaimedCall
) -> None:
    other = house.launch(1, "other")
    rival = house.claim_one(other).call_id
    _report(house, lost.call_id, CallStatus.RINGING)
    assert _holders(house) == [lost.call_id]
    assert _read(house, rival).status is CallStatus.CANCELED
    assert [state for state, *_ in _people(house)] == [RecipientState.WAITING] * 2
    assert house.fence(rival).verdict is FenceVerdict.WITHDRAWN
    house.later(seconds=6)
    assert house.claim(other).calls == (), "its number is busy"
    _report(house, lost.call_id, CallStatus.COMPLETED)
    house.later(seconds=6)
    assert house.claim(other).calls


def test_two_calls_of_one_person_that_are_reported_at_once_both_count(
    house: House, campaign: CampaignRecord, lost: ClaimedCall, redial: ClaimedCall
) -> None:
    _give_up(house, redial.call_id)
    reported = [
        event(f"late-{number}", call_id=call_id, status="ringing", provider_call_id=f"p{number}")
        for number, call_id in enumerate((lost.call_id, redial.call_id))
    ]
    house.write(lambda s: events.store_events(s, LINE, reported, now=house.now))
    assert _people(house)[0][1] == 2


@pytest.mark.parametrize(
    "end",
    [
        LOST,
        {"failure": FailureClass.UNAVAILABLE, "may_have_rung": False},
    ],
)
def test_a_repeated_end_that_says_never_placed_frees_no_slot_that_is_in_use_again(
    house: House, campaign: CampaignRecord, lost: ClaimedCall, end: dict[str, Any]
) -> None:
    _report(house, lost.call_id, CallStatus.RINGING)
    house.end(lost.call_id, CallStatus.FAILED, **end)
    assert _holders(house) == [lost.call_id]
    house.later(hours=3)
    house.end(lost.call_id, CallStatus.FAILED, **end)
    assert _holders(house) == [], "no call lasts so long"


# Two at once, on PostgreSQL: SQLite has one writer.


def test_a_late_report_waits_for_a_number_before_it_holds_a_row(
    house: House, on_postgresql: None, lost: ClaimedCall
) -> None:
    def claim_like(s: Session) -> None:
        lock_keys(s, [number_lock("default", phone(0))])
        started.set()
        until_somebody_waits(house.database)
        s.connection().execute(text("SELECT id FROM recipient FOR NO KEY UPDATE NOWAIT"))

    started = threading.Event()
    with apart(lambda: house.write(claim_like)) as claimed:
        assert started.wait(WAITS)
        _report(house, lost.call_id, CallStatus.RINGING)
        claimed.result(WAITS)
    assert _holders(house) == [lost.call_id]


@pytest.mark.parametrize("redial_first", [True, False])
def test_the_end_of_a_redial_and_a_late_report_wait_in_one_order(
    house: House,
    on_postgresql: None,
    lost: ClaimedCall,
    redial: ClaimedCall,
    redial_first: bool,
) -> None:
    """Whichever of the calls has the smaller id."""

    def end_like(s: Session) -> None:
        statement = select(call.c.id).where(call.c.id == renamed).with_for_update(key_share=True)
        s.connection().execute(statement)
        started.set()
        until_somebody_waits(house.database)
        s.connection().execute(text("SELECT id FROM recipient FOR NO KEY UPDATE NOWAIT"))
        lock_calls(s, [renamed])

    renamed = ("0" if redial_first else "f") * 32

    def rename(s: Session) -> None:
        s.connection().execute(delete(lease))
        s.connection().execute(update(call).where(call.c.id == redial.call_id).values(id=renamed))

    house.write(rename)
    started = threading.Event()
    with apart(lambda: house.write(end_like)) as ended:
        assert started.wait(WAITS)
        _report(house, lost.call_id, CallStatus.RINGING)
        ended.result(WAITS)
    assert _read(house, renamed).status is CallStatus.CANCELED


@pytest.mark.parametrize("decided_as", ["done", "waits for tomorrow"])
def test_a_claim_does_not_undo_what_a_late_report_decided_meanwhile(
    house: House,
    on_postgresql: None,
    monkeypatch: pytest.MonkeyPatch,
    campaign: CampaignRecord,
    lost: ClaimedCall,
    decided_as: str,
) -> None:
    """The report comes after the claim has read its people, and before it locks their numbers."""

    def report() -> None:
        if decided_as == "done":
            _talked(house, lost.call_id)
        else:
            _report(house, lost.call_id, CallStatus.NO_ANSWER)

    find_ready = candidates.find_ready

    def find_and_report(*given: Any) -> Any:
        read = find_ready(*given)
        with apart(report) as reported:
            reported.result(WAITS)
        return read

    monkeypatch.setattr(reservation, "find_ready", find_and_report)
    assert house.claim(campaign).calls == ()
    monkeypatch.undo()
    state, attempts, outcome = _people(house)[0]
    assert attempts == 1
    if decided_as == "done":
        assert (state, outcome) == (RecipientState.DONE, "completed")
    else:
        assert state is RecipientState.WAITING
        assert house.claim(campaign).calls == ()


def test_a_decision_about_one_who_ended_meanwhile_changes_nothing(
    house: House, campaign: CampaignRecord, lost: ClaimedCall
) -> None:
    """Nor does it say that they ended because of it."""

    def decide(s: Session) -> None:
        (person,) = find_due(s, campaign, 1, house.now)
        s.connection().execute(
            update(recipient).values(state=RecipientState.DONE.value, outcome="completed")
        )
        wait = Wait(house.now + timedelta(hours=1), Reason("x", "x"))
        assert write_decisions(s, [(person, wait)]) == []

    house.write(decide)
    assert _people(house)[0][0] is RecipientState.DONE
