"""Tool calls of agents, over HTTP."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.domain.call.status import CallStatus
from outdial.domain.record import RecipientState
from outdial.store.campaign.campaigns import require_campaign
from outdial.store.compliance.suppressions import is_suppressed
from outdial.store.roster.roster import list_recipients
from tests.api.desk import AT, CALENDAR, START, Desk, desk
from tests.builders import phone

__all__ = ["desk"]
log = logging.getLogger(__name__)


async def test_a_slot_is_checked_held_and_booked(desk: Desk) -> None:
    mine, other = desk.call(), desk.call()
    checked = await desk.ask("check_availability", mine, at=AT)
    assert checked["ok"], checked
    assert checked["message"] == "Thursday, March 5 at 10:30 is free, and kept for this call."
    refused = await desk.ask("book_appointment", other, at=AT)
    assert not refused["ok"]
    assert refused["alternatives"][0] == "2026-03-05T09:30:00-05:00"
    booked = await desk.ask("book_appointment", mine, at=AT)
    assert (booked["ok"], booked["message"]) == (True, "Booked: Thursday, March 5 at 10:30.")
    assert desk.starts() == [START]


async def test_a_held_slot_is_given_up_when_the_call_ends(desk: Desk) -> None:
    mine, other = desk.call(), desk.call()
    await desk.ask("check_availability", mine, at=AT)
    assert desk.starts(AppointmentStatus.HELD) == [START]
    desk.house.end(mine)
    assert desk.starts(AppointmentStatus.HELD) == []
    assert (await desk.ask("book_appointment", other, at=AT))["ok"]


async def test_without_a_time_free_ones_are_offered_and_the_first_is_held(desk: Desk) -> None:
    answer = await desk.ask("check_availability", desk.call())
    assert answer["ok"]
    assert len(answer["alternatives"]) == 3
    assert len(desk.starts(AppointmentStatus.HELD)) == 1


async def test_the_same_question_is_answered_once(desk: Desk) -> None:
    call = desk.call()
    answers = await asyncio.gather(
        *(desk.ask("book_appointment", call, id="t1", at=AT) for _ in range(5))
    )
    assert all(answer == answers[0] for answer in answers)
    assert desk.starts() == [START]


async def test_somebody_who_changes_their_mind_has_one_appointment(desk: Desk) -> None:
    call = desk.call()
    for at in (AT, "2026-03-05T14:00", AT, "2026-03-06T09:00"):
        assert (await desk.ask("book_appointment", call, at=at))["ok"]
    assert desk.starts() == [datetime(2026, 3, 6, 14, 0, tzinfo=UTC)]


async def test_move(desk: Desk) -> None:
    nothing = await desk.ask("move_appointment", desk.call(), at=AT)
    assert nothing["message"] == "I know of no appointment to move."
    call = desk.call()
    await desk.ask("book_appointment", call, at=AT)
    moved = await desk.ask("move_appointment", call, at="2026-03-05T14:00")
    assert moved["ok"]
    assert desk.starts() == [datetime(2026, 3, 5, 19, 0, tzinfo=UTC)]


async def test_opting_out_holds_at_once(desk: Desk) -> None:
    call = desk.call()
    assert (await desk.ask("opt_out", call))["ok"]
    number = phone(desk.calls * 10)
    assert desk.house.write(lambda s: is_suppressed(s, "default", number)) == "opted out in a call"
    assert desk.house.end(call).outcome == "opted_out"


async def test_call_me_later(desk: Desk) -> None:
    call = desk.call()
    assert not (await desk.ask("call_me_later", call, at="2026-03-04T09:00"))["ok"]
    assert not (await desk.ask("call_me_later", call, at="later"))["ok"]
    answer = await desk.ask("call_me_later", call, at="2026-03-05T15:00")
    assert answer["message"] == "We will call again on Thursday, March 5 at 15:00."
    settled = desk.house.end(call)
    assert settled.outcome == "call_me_later"
    (row,) = desk.house.write(lambda s: list_recipients(s, 1, launch=1, limit=9))
    assert row.state is RecipientState.WAITING
    assert row.not_before == datetime(2026, 3, 5, 20, 0, tzinfo=UTC)


async def test_a_time_outside_the_hours_is_answered_with_the_nearest(desk: Desk) -> None:
    hours = {"hours": "09:00-18:00", "days": ["mon", "tue", "wed", "thu", "fri"]}
    call = desk.call(schedule=hours)
    answer = await desk.ask("call_me_later", call, at="2026-03-07T11:00")  # a Saturday
    assert answer == {
        "ok": False,
        "message": "We may not call on Saturday, March 7 at 11:00. We can call on Friday, March 6 "
        "at 17:45, or on Monday, March 9 at 09:00.",
        "alternatives": ["2026-03-06T17:45:00-05:00", "2026-03-09T09:00:00-04:00"],
    }
    taken = await desk.ask("call_me_later", call, at=answer["alternatives"][1])
    assert taken["message"] == "We will call again on Monday, March 9 at 09:00."
    desk.house.end(call)
    (row,) = desk.house.write(lambda s: list_recipients(s, 1, launch=1, limit=9))
    assert row.not_before == datetime(2026, 3, 9, 13, 0, tzinfo=UTC)


async def test_a_day_on_which_no_more_calls_may_be_made(desk: Desk) -> None:
    """The call that is under way counts."""
    call = desk.call(retry={"max_attempts": 3, "max_attempts_per_day": 1})
    answer = await desk.ask("call_me_later", call, at="2026-03-04T16:00")
    assert not answer["ok"]
    assert answer["alternatives"] == ["2026-03-05T00:00:00-05:00"]


@pytest.mark.parametrize(
    "retry",
    [
        {"max_attempts": 1},
        {"max_attempts": 3, "call_me_later": None},
        {"max_attempts": 3, "call_me_later": {"delays": "1h", "max_attempts": 1}},
    ],
)
async def test_after_the_last_attempt_no_call_is_promised(desk: Desk, retry: Any) -> None:
    call = desk.call(retry=retry)
    answer = await desk.ask("call_me_later", call, at="2026-03-05T15:00")
    assert (answer["ok"], answer["alternatives"]) == (False, [])
    answer = await desk.ask("call_me_later", call)
    assert (answer["ok"], answer["message"]) == (False, "We may not call again.")
    desk.house.end(call)
    (row,) = desk.house.write(lambda s: list_recipients(s, 1, launch=1, limit=9))
    assert row.state is RecipientState.DONE


async def test_a_callback_that_redials_goes_beyond_the_limit_of_the_outcome(desk: Desk) -> None:
    redial = {"do": "redial", "when": {"disposition": "call_me_later"}}
    retry = {"max_attempts": 3, "call_me_later": None}
    call = desk.call(retry=retry, callbacks=[redial])
    assert (await desk.ask("call_me_later", call, at="2026-03-05T15:00"))["ok"]
    desk.house.end(call)
    (row,) = desk.house.write(lambda s: list_recipients(s, 1, launch=1, limit=9))
    assert row.not_before == datetime(2026, 3, 5, 20, 0, tzinfo=UTC)


async def test_earlier_calls_count_towards_the_limit_of_a_promise(desk: Desk) -> None:
    later = {"delays": "1h", "max_attempts": 2}
    call = desk.call(retry={"max_attempts": 9, "busy": None, "call_me_later": later})
    assert (await desk.ask("call_me_later", call, at="2026-03-05T15:00"))["ok"]
    desk.house.end(call)
    desk.house.now = datetime(2026, 3, 5, 20, 0, tzinfo=UTC)
    (campaign,) = desk.house.open_campaigns()
    again = desk.house.claim_one(
        desk.house.write(lambda s: require_campaign(s, campaign.record.id))
    )
    desk.house.place(again.call_id)
    answer = await desk.ask("call_me_later", again.call_id, at="2026-03-06T15:00")
    assert (answer["ok"], answer["alternatives"]) == (False, [])


@pytest.mark.parametrize(
    "at", [None, "tomorrow", 12, {"x": 1}, "2026-03-05", "2026-03-05T03:00", "9999-12-31T10:00"]
)
async def test_no_time_is_guessed(desk: Desk, at: Any) -> None:
    answer = await desk.ask("book_appointment", desk.call(), at=at)
    assert not answer["ok"]
    assert answer["alternatives"]
    assert desk.starts() == []


async def test_a_call_that_is_over_or_of_another_line_or_unknown(desk: Desk) -> None:
    over, elsewhere = desk.call(), desk.call("vapi")
    desk.house.end(over, CallStatus.COMPLETED)
    for call in (over, elsewhere, "nobody"):
        answer = await desk.ask("book_appointment", call, at=AT)
        assert answer["message"] == "This call is not known, or it is over."
    assert "there are check_availability" in (await desk.ask("drop_tables", over))["message"]


async def test_a_campaign_without_a_calendar(desk: Desk) -> None:
    answer = await desk.ask("book_appointment", desk.call(calendar=None), at=AT)
    assert answer["message"] == "Appointments can't be made in this call."


@pytest.mark.slow
async def test_ninety_nine_in_a_hundred_are_answered_within_a_second(desk: Desk) -> None:
    """Ten questions a second, whether or not the one before was answered: what fifty agents ask
    who talk at once, of a calendar in which they get into each other's way."""
    calls = [desk.call(calendar=CALENDAR | {"capacity": 5}) for _ in range(20)]
    seconds: list[float] = []

    async def ask(nth: int, after: float) -> None:
        await asyncio.sleep(after)
        begun = time.perf_counter()
        at = f"2026-03-{5 + nth % 2:02}T{9 + nth % 7:02}:30"
        tool = ("check_availability", "book_appointment", "move_appointment")[nth % 3]
        answer = await desk.ask(tool, calls[nth % len(calls)], at=at)
        assert answer["message"]
        seconds.append(time.perf_counter() - begun)

    await asyncio.gather(*(ask(nth, nth / 10) for nth in range(100)))
    seconds.sort()
    log.info("median %.0f ms, p99 %.0f ms", 1000 * seconds[50], 1000 * seconds[98])
    assert seconds[98] < 1.0
