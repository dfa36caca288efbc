"""`outdial person`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outdial.cli.attachment import MIGRATE_FIRST, reading_records
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, say, say_if_more
from outdial.cli.running import run, settings_or_fail
from outdial.domain.codes import words

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings
    from outdial.services.compliance.people import NextCall, Person
    from outdial.store.roster.person import CallHistory


def person(
    phone: Annotated[
        str, typer.Argument(help="A number with its country code.", show_default=False)
    ],
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1000, help="Show at most so many calls.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Show everything about one number, over all campaigns.

    When each open campaign may call it next and why, whether it is suppressed, appointments to
    come, and its past calls with what was reported, their receipts and what followed.
    """
    run(_person(settings_or_fail(), phone, limit, as_json=as_json))


async def _person(settings: Settings, phone: str, limit: int, *, as_json: bool) -> int:
    from outdial.services.compliance.numbers import parse_number
    from outdial.services.compliance.people import get_person

    number = parse_number(phone)
    async with reading_records(settings, hint=MIGRATE_FIRST) as at:
        shown = await get_person(at.context, number, limit=limit + 1)
    listed = shown.calls[:limit]
    if as_json:
        flush_json(json.dumps(_in_json(shown, listed), ensure_ascii=False))
    else:
        for line in _lines(shown, listed):
            say(line)
    say_if_more(shown.calls, limit, to_stderr=as_json)
    return OK


# --- lines --------------------------------------------------------------------------------------


def _lines(shown: Person, calls: tuple[CallHistory, ...]) -> Iterator[str]:
    from outdial.domain.dated_time import dated_time
    from outdial.domain.numbers.phone import mask_phone

    places = [*(each.zones for each in shown.next_calls), *(each.zones for each in calls)]
    zones = next(filter(None, places), ())
    yield f"{mask_phone(shown.phone)}{_name(shown)}"
    if shown.suppressed is not None:
        yield f"  suppressed, and called by no campaign: {shown.suppressed}"
    for change in shown.suppression_history:
        yield f"  {change.change} {dated_time(change.at, zones)}: {change.reason} ({change.source})"
    for coming in shown.next_calls:
        yield from _next_lines(coming)
    if not shown.next_calls:
        yield "  on the roster of no open campaign"
    for desk in shown.appointments:
        appointment = desk.appointment
        yield (
            f"  appointment {dated_time(appointment.starts_at, zones)}: {appointment.title} "
            f"({appointment.calendar}), {words(appointment.status.value)}"
        )
    for history in calls:
        yield from _call_lines(history)
    if not calls:
        yield "  never called"


def _name(shown: Person) -> str:
    if shown.contact is None:
        return ""
    names = [shown.contact.first_name, shown.contact.last_name]
    return f", {' '.join(filter(None, names)) or 'contact ' + shown.contact.id}"


def _next_lines(coming: NextCall) -> Iterator[str]:
    from outdial.domain.dated_time import dated_time

    place = coming.place
    head = f"  {place.campaign.name} ({place.campaign.state.value}): "
    if coming.answer == "dial":
        yield head + "may be called now"
    elif coming.at is not None:
        yield head + f"next: {dated_time(coming.at, coming.zones)}, because {coming.reason}"
    elif coming.answer == "never":
        yield head + f"is never called, because {coming.reason}"
    else:
        reason = coming.reason or words(place.recipient.outcome or "")
        yield head + words(coming.answer) + (f": {reason}" if reason else "")
    if coming.could_change_it is not None:
        yield f"    what could change it: {coming.could_change_it}"


def _call_lines(history: CallHistory) -> Iterator[str]:
    from outdial.domain.dated_time import dated_time

    call = history.call
    result = [words(call.status.value)]
    result += [words(each) for each in (call.outcome, call.disposition) if each]
    talk = f", {call.duration_seconds:.0f} s" if call.duration_seconds else ""
    yield (
        f"  called {dated_time(call.created_at, history.zones)} by {call.campaign} on {call.line}: "
        f"{', '.join(dict.fromkeys(result))}{talk}"
    )
    yield f"    call {call.id}, attempt {call.attempt}"
    for event in history.events:
        what = words(event.status.value) if event.status else words(event.kind.value)
        who = f" by {event.answered_by.value}" if event.answered_by else ""
        yield f"    {event.at:%H:%M:%S} UTC {what}{who}" + (
            f": {event.detail}" if event.detail else ""
        )
    if history.receipt is not None:
        yield f"    receipt {history.receipt.sequence}: {history.receipt.hash}"
    for entry in history.callbacks.entries if history.callbacks else ():
        note = f", {entry.note}" if entry.note else ""
        yield f"    {words(entry.kind)}: {words(entry.state.value)}{note}"
    for appointment in history.appointments:
        at = dated_time(appointment.starts_at, history.zones)
        yield f"    appointment {at}: {appointment.title}, {words(appointment.status.value)}"


# --- JSON ---------------------------------------------------------------------------------------


def _in_json(shown: Person, calls: tuple[CallHistory, ...]) -> dict[str, Any]:
    from outdial.domain.numbers.phone import mask_phone

    return {
        "phone": mask_phone(shown.phone),
        "contact": shown.contact and shown.contact.id,
        "suppressed": shown.suppressed,
        "suppression_history": [
            {"at": c.at.isoformat(), "change": c.change, "reason": c.reason, "source": c.source}
            for c in shown.suppression_history
        ],
        "campaigns": [_next_in_json(each) for each in shown.next_calls],
        "appointments": [
            each.appointment.model_dump(mode="json", include=_OF_APPOINTMENT)
            for each in shown.appointments
        ],
        "calls": [_call_in_json(each) for each in calls],
    }


_OF_APPOINTMENT = {"id", "calendar", "title", "starts_at", "ends_at", "status"}
_OF_CALL = {
    "id", "campaign", "launch", "line", "attempt", "status", "outcome", "disposition",
    "answered_by", "failure", "detail", "created_at", "answered_at", "ended_at",
    "duration_seconds", "cost", "structured",
}  # fmt: skip


def _next_in_json(coming: NextCall) -> dict[str, Any]:
    place = coming.place
    return {
        "campaign": place.campaign.name,
        "campaign_state": place.campaign.state.value,
        "state": place.recipient.state.value,
        "outcome": place.recipient.outcome,
        "answer": coming.answer,
        "next_call_at": coming.at and coming.at.isoformat(),
        "time_zone": next(iter(coming.zones), None),
        "reason": coming.reason,
        "code": coming.code,
        "could_change_it": coming.could_change_it,
    }


def _call_in_json(history: CallHistory) -> dict[str, Any]:
    receipt = history.receipt
    return {
        **history.call.model_dump(mode="json", include=_OF_CALL),
        "events": [
            event.model_dump(mode="json", include={"kind", "status", "at", "answered_by", "detail"})
            for event in history.events
        ],
        "receipt": receipt and {"sequence": receipt.sequence, "hash": receipt.hash},
        "callbacks": [
            {"kind": entry.kind, "state": entry.state.value, "note": entry.note}
            for entry in (history.callbacks.entries if history.callbacks else ())
        ],
        "appointments": [
            each.model_dump(mode="json", include=_OF_APPOINTMENT) for each in history.appointments
        ],
    }
