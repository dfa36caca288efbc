"""A slow calendar is asked once at a time, and what it says at last is used."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from outdial.calendars.port import CalendarBackend, Calendars, Entry
from outdial.domain.appointment.appointment import Appointment
from outdial.domain.appointment.calendar import CalendarRules
from outdial.resources.integrations import Integrations
from outdial.services.agent_tools import shared_calendars
from outdial.services.agent_tools.shared_calendars import CalendarTimedOut, SharedCalendars
from tests.services.world import World

RULES = CalendarRules(name="clinic", time_zone="UTC")


class SlowCalendar(CalendarBackend):
    shared = True

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()

    async def busy(self, start: datetime, end: datetime) -> list[Entry]:
        self.asked += 1
        await self.answers.wait()
        at = start + timedelta(days=1, hours=1)
        return [Entry("others", at, at + timedelta(minutes=10))]

    async def read(self, uid: str) -> Entry | None:
        return None

    async def write(self, appointment: Appointment) -> str | None:
        return None

    async def remove(self, appointment: Appointment) -> None:
        return None


async def test_many_who_give_up_ask_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_calendars, "ANSWER_WITHIN", timedelta(milliseconds=50))
    slow, shared = SlowCalendar(), SharedCalendars()
    calendars = Calendars({"clinic": slow}, tenant=world.ctx.tenant)
    ctx = replace(world.ctx, integrations=Integrations(calendars=calendars))
    many = [shared.others(ctx, ctx.tenant, RULES) for _ in range(10)]
    outcomes = await asyncio.gather(*many, return_exceptions=True)
    assert {type(one) for one in outcomes} == {CalendarTimedOut}
    assert slow.asked == 1
    slow.answers.set()
    assert len(await shared.others(ctx, ctx.tenant, RULES)) == 2, "two ticks of five minutes"
    assert slow.asked == 1
