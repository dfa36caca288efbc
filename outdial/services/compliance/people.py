"""One person over all campaigns: past calls with what followed, and when the next one may come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from outdial.domain.appointment.appointment import DeskAppointment
from outdial.domain.directory import Contact
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import RecipientState
from outdial.resources.resources import Resources
from outdial.services.compliance.explaining import decision_of
from outdial.services.errors import NotFound
from outdial.store import directory
from outdial.store.appointments import desk
from outdial.store.appointments.desk import DeskFilter
from outdial.store.compliance import suppressions
from outdial.store.compliance.suppressions import SuppressionChange
from outdial.store.roster.person import (
    CallHistory,
    RosterPlace,
    calls_to_number,
    places_of_number,
    read_histories,
)

_MOST_APPOINTMENTS = 20
_UNDER_WAY = {
    RecipientState.CALLING: "a call to them is in flight",
    RecipientState.SETTLING: "the result of their last call is awaited",
}


@dataclass(frozen=True, slots=True)
class NextCall:
    """What a campaign does next about a person."""

    place: RosterPlace
    answer: str
    """dial, wait, never or done, as `explain` says it; calling or settling during a call."""
    at: datetime | None
    """The first instant at which everything admits a call, while the campaign runs."""
    reason: str | None
    code: str | None
    could_change_it: str | None

    @property
    def zones(self) -> tuple[str, ...]:
        """Where the person may be; the first one is shown."""
        explanation = self.place.explanation
        return self.place.recipient.zones if explanation is None else explanation.zones.candidates


@dataclass(frozen=True, slots=True)
class Person:
    """Everything about one number."""

    phone: str
    contact: Contact | None
    suppressed: str | None
    suppression_history: tuple[SuppressionChange, ...]
    """Oldest first."""
    next_calls: tuple[NextCall, ...]
    """One for each place on the roster of a campaign that is open, the newest first."""
    appointments: tuple[DeskAppointment, ...]
    """Those to come."""
    calls: tuple[CallHistory, ...]
    """Of all campaigns, newest first; one page of them."""


async def get_person(
    ctx: Resources, number: str, *, limit: int, after: tuple[datetime, str] | None = None
) -> Person:
    """What is kept about a number (E.164), with up to `limit` of its calls; `after` is the time and
    id of the last call of the page before. Raises NotFound."""
    now = ctx.clock()
    to_come = DeskFilter(phone=number, starts_from=now)

    def work(s: Session) -> Person:
        calls = calls_to_number(s, ctx.tenant, number, limit=limit, after=after)
        places = places_of_number(s, ctx.tenant, number, now)
        return Person(
            phone=number,
            contact=directory.CONTACTS.find(s, ctx.tenant, phone=number),
            suppressed=suppressions.is_suppressed(s, ctx.tenant, number),
            suppression_history=tuple(suppressions.history(s, ctx.tenant, number)),
            next_calls=tuple(_next_call(place, now) for place in places),
            appointments=tuple(desk.page(s, ctx.tenant, to_come, limit=_MOST_APPOINTMENTS)),
            calls=tuple(read_histories(s, calls)),
        )

    person = await ctx.database.read(work)
    if after is None and not _is_known(person):
        raise NotFound("person with the number", mask_phone(number))
    return person


def _is_known(person: Person) -> bool:
    kept = person.contact, person.next_calls, person.appointments, person.calls
    return any(kept) or bool(person.suppressed or person.suppression_history)


def _next_call(place: RosterPlace, now: datetime) -> NextCall:
    recipient = place.recipient
    during = _UNDER_WAY.get(recipient.state)
    if during is not None:
        return NextCall(place, recipient.state.value, None, during, None, None)
    if place.explanation is None:
        return NextCall(place, "done", None, recipient.reason, None, None)
    decision = decision_of(place.explanation, now)
    until = decision.get("until")
    return NextCall(
        place,
        decision["answer"],
        now if decision["answer"] == "dial" else until and datetime.fromisoformat(until),
        decision.get("reason"),
        decision.get("code"),
        decision.get("could_change_it"),
    )
