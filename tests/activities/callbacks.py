"""Settled calls, and the real activities of their callbacks, on a real database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.callback_runs import CallbackRuns
from outdial.contracts.signatures.callback import CallbackRef
from outdial.domain.appointment.appointment import Appointment, Party
from outdial.domain.call.callback_run import CallbackRun, CallbackState
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.record import CampaignRecord
from outdial.providers.lines import Lines
from outdial.resources.integrations import Integrations
from outdial.resources.resources import Resources
from outdial.store.appointments import booking
from outdial.store.call import events
from outdial.store.callbacks import runs
from outdial.store.db.database import Database
from tests.appointments import list_appointments
from tests.builders import LINE, House, event, phone
from tests.services.world import no_temporal
from tests.store.test_appointments import rules

CALENDAR: dict[str, Any] = {"name": "clinic", "time_zone": "America/New_York"}


@dataclass
class SettledCalls:
    house: House
    activities: CallbackRuns
    integrations: Integrations = field(default_factory=Integrations)
    first: int = 0

    def launch(self, *callbacks: dict[str, Any], **changes: Any) -> CampaignRecord:
        self.first += 100
        return self.house.launch(
            name=f"c{self.first}",
            first=self.first,
            callbacks=list(callbacks),
            **({"calendar": CALENDAR} | changes),
        )

    def settle(self, campaign: CampaignRecord, data: Any = None, **analysed: Any) -> str:
        """One answered call, with what the agent extracted."""
        house = self.house
        call_id = house.claim_one(campaign).call_id
        house.place(call_id)
        wait = {"analysis_wait": timedelta(seconds=30), "answered_by": AnsweredBy.HUMAN}
        house.end(call_id, CallStatus.COMPLETED, **wait)
        analysis = event(
            f"analysis-{call_id}",
            kind=EventKind.ANALYSIS,
            call_id=call_id,
            at=house.now,
            structured=data or {},
            **analysed,
        )
        house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
        return call_id

    async def run(self, call_id: str, position: int = 0, **more: Any) -> CallbackState:
        ref = CallbackRef(call_id=call_id, position=position, **more)
        result = await ActivityEnvironment().run(self.activities.run_callback, ref)
        return result.state

    async def undo(self, call_id: str, position: int = 0) -> None:
        ref = CallbackRef(call_id=call_id, position=position)
        await ActivityEnvironment().run(self.activities.undo_callback, ref)

    def callback_run(self, call_id: str) -> CallbackRun:
        stored = self.house.write(lambda s: runs.get_callback_run(s, call_id))
        assert stored is not None
        return stored

    def appointments(self) -> list[Appointment]:
        start = self.house.now - timedelta(days=400)
        return self.house.write(
            lambda s: list_appointments(
                s,
                "default",
                "clinic",
                start=start,
                end=start + timedelta(days=9000),
                every_status=True,
            )
        )

    def enter(self, start: datetime, uid: str | None = None) -> Appointment:
        """An appointment that the next campaign's person has already."""
        who = Party("default", phone(self.first + 100))
        calendar = rules(**CALENDAR)
        now = self.house.now
        return self.house.write(
            lambda s: booking.enter(
                s, who, calendar, start, key=f"enter/{who.phone}", now=now, uid=uid
            )
        ).appointment


async def settled_calls(
    database: Database, integrations: Integrations | None = None
) -> SettledCalls:
    house = House(database)
    house.line()
    integrations = integrations or Integrations()
    resources = Resources(
        database,
        await no_temporal(),
        Lines([]),
        lambda: house.now,
        public_url="http://127.0.0.1:1",
        integrations=integrations,
    )
    return SettledCalls(house, CallbackRuns(resources), integrations)
