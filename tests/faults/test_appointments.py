"""The reminder campaign, its worker killed ten times: each word leads to its effect, once.

Both calendars are looked at afterwards: our own tables, and one on a Radicale server that
strangers write to as well. So is an endpoint that was told of every person's end.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from ruamel.yaml import YAML

from outdial.calendars.caldav import CalDavCalendar
from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.domain.call.callback_run import CallbackRunState, CallbackState
from outdial.runtime.clock import system_clock
from outdial.services.operations import reading
from outdial.store.callbacks import runs
from outdial.store.compliance.suppressions import is_suppressed
from tests.activities.endpoint import Endpoint
from tests.appointments import list_appointments
from tests.calendars.radicale import collection, radicale
from tests.faults.harness import Stack, numbers, open_stack, plan_stack
from tests.faults.test_kills import _kill
from tests.waiting import until

log = logging.getLogger(__name__)

REMINDER = Path(__file__).parents[2] / "campaigns" / "appointment_reminder.yaml"
RECIPIENTS = 200
KILLS = 10
BEHAVIOURS: tuple[tuple[int, list[str]], ...] = (
    (60, ["confirm"]),
    (40, ["move"]),
    (30, ["cancel"]),
    (20, ["opt_out"]),
    (20, ["call_me_later", "confirm"]),
    (20, ["call_me_later", "move"]),
    (10, ["no_answer"]),
)
ZONE = "America/New_York"
"""The calendar's, and everybody's: a time without a zone would be unclear to somebody whose number
lies in another one."""
SLOT = timedelta(minutes=15)
STRANGERS = 6
"""Slots of the week after that other people have taken whole."""
CAPACITY = 3


def monday() -> datetime:
    """Some week that is neither this one nor the next."""
    now = system_clock().astimezone(ZoneInfo(ZONE))
    today = now.replace(hour=9, minute=0, second=0, microsecond=0)
    return today + timedelta(days=14 - today.weekday())


def roster(first: datetime) -> dict[str, tuple[list[str], datetime]]:
    """Behaviour and appointment of each person, three people to a slot."""
    behaviours = [each for count, each in BEHAVIOURS for _ in range(count)]
    half = RECIPIENTS // 2
    phones = [*numbers(half), *numbers(half, start=200)]  # Washington and New York
    # Shuffled in a fixed way, so that a slot has people of all kinds.
    order = sorted(range(RECIPIENTS), key=lambda n: (n * 7919) % RECIPIENTS)
    people = {}
    for place, nth in enumerate(order):
        slot = place // CAPACITY
        start = first + timedelta(days=slot // 14) + SLOT * (slot % 14)
        people[phones[nth]] = (behaviours[nth], start)
    return people


def definition(people: Mapping[str, tuple[list[str], datetime]], endpoint: str) -> str:
    """The example, with other people, any hour, shorter waits, and one webhook more."""
    values = YAML(typ="safe").load(REMINDER.read_text(encoding="utf-8"))
    short = {"max_attempts": 60, "delay": "1s", "longest": "1s", "timeout": "5s"}
    callbacks = [
        each | ({"retry": short} if each["do"].endswith("_appointment") else {})
        for each in values["callbacks"]
    ]
    webhook = {
        "do": "webhook",
        "url": endpoint,
        "retry": short,
        "body": {"phone": "{{ phone }}", "outcome": "{{ call.outcome }}"},
    }
    webhook |= {"when": {"final": True}}
    values |= {
        "callbacks": [*callbacks, webhook, webhook | {"after": "follow_up"}],
        "recipients": [
            {
                "phone": phone,
                "time_zone": ZONE,
                "appointment_at": _local(start),
                "appointment_uid": f"uid{phone[1:]}",
                "first_name": "Ada",
                "doctor": "Dr. Okafor",
            }
            for phone, (_, start) in people.items()
        ],
        "variables": {},
        "schedule": {"hours": "00:00-24:00", "time_zone": "UTC"},
        "pacing": {"max_concurrent": 20},
        "retry": {
            "max_attempts": 4,
            "no_answer": {"delays": "1s", "max_attempts": 2},
            "call_me_later": {"delays": "1s"},
            "failed": {"delays": "1s"},
            "unknown": {"delays": "2s"},
        },
        "ring_timeout": "14s",
        "max_duration": "1m",
    }
    values["calendar"] |= {"existing_uid": "{{ appointment_uid }}", "buffer_after": "0m"}
    return json.dumps(values)


def _local(start: datetime) -> str:
    return start.replace(tzinfo=None).isoformat()


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


async def _write(address: str, appointments: Mapping[str, datetime]) -> None:
    """What stands in the shared calendar before the campaign."""
    async with httpx.AsyncClient(auth=("clinic", "x"), trust_env=False) as client:
        for uid, start in appointments.items():
            body = (
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\n"
                f"UID:{uid}\r\nDTSTAMP:20260301T000000Z\r\nSUMMARY:Checkup\r\n"
                f"DTSTART:{_utc(start)}\r\nDTEND:{_utc(start + SLOT)}\r\n"
                "END:VEVENT\r\nEND:VCALENDAR\r\n"
            )
            response = await client.put(f"{address}{uid}.ics", content=body)
            assert response.status_code == 201, response.text


@pytest.mark.faults
async def test_every_word_has_its_effect_once(tmp_path: Path) -> None:
    first = monday()
    people = roster(first)
    taken = {first + timedelta(days=7) + SLOT * nth for nth in range(STRANGERS)}
    async with radicale(tmp_path) as url, Endpoint() as endpoint:
        address = await collection(url, "elm-street")
        calendar = CalDavCalendar(
            address, username="clinic", password="x", zone="UTC", clock=system_clock
        )
        stored = {f"uid{phone[1:]}": start for phone, (_, start) in people.items()}
        for start in taken:
            stored |= {f"stranger-{start:%H%M}-{seat}": start for seat in range(CAPACITY)}
        await _write(address, stored)
        plan = plan_stack(
            tmp_path / "stack",
            # Long, so that a busy host does not settle a call before it has heard what was said.
            line={"ANALYSIS_WAIT": "30s"},
            people={
                "overrides": {phone: each for phone, (each, _) in people.items()},
                # Shorter than the ring timeout: who is to answer does.
                "ring_seconds": [3.0, 12.0],
            },
            more={
                "OUTDIAL_CALENDARS": json.dumps(
                    {"elm-street": {"url": address, "username": "clinic"}}
                ),
                "OUTDIAL_CALLBACKS__ALLOW_HOSTS": '["127.0.0.1"]',
            },
        )
        async with open_stack(plan) as stack:
            name = await stack.launch(definition(people, endpoint.url))
            await _kill(stack, "worker", times=KILLS, recipients=RECIPIENTS, away=(0, 0.5))
            await stack.until_over(name, timeout=300)
            await _callbacks_end(stack, name)
            expected = _expected(people, taken)
            await _own_calendar(stack, first, expected)
            await _shared_calendar(calendar, first, expected)
            await _everything_else(stack, name, people, endpoint)
            assert stack.parts["worker"].kills == KILLS


def _expected(
    people: Mapping[str, tuple[list[str], datetime]], taken: set[datetime]
) -> dict[str, tuple[AppointmentStatus, datetime]]:
    """Status and start of each person's appointment once all is done."""
    expected = {}
    for phone, (behaviours, start) in people.items():
        status, at = AppointmentStatus.BOOKED, start
        if behaviours[-1] == "confirm":
            status = AppointmentStatus.CONFIRMED
        elif behaviours[-1] == "cancel":
            status = AppointmentStatus.CANCELED
        elif behaviours[-1] == "move" and start + timedelta(days=7) not in taken:
            at = start + timedelta(days=7)
        expected[f"uid{phone[1:]}"] = (status, at)
    return expected


async def _callbacks_end(stack: Stack, name: str) -> None:
    record = await reading.require_campaign(stack.ctx, name)

    async def ended() -> bool:
        callback_runs = await stack.ctx.database.read(
            lambda s: runs.list_callback_runs(s, record.id)
        )
        return all(
            callback_run.state is not CallbackRunState.PENDING for callback_run in callback_runs
        )

    await until(ended, timeout=180, interval=0.5)


async def _own_calendar(
    stack: Stack, first: datetime, expected: Mapping[str, tuple[AppointmentStatus, datetime]]
) -> None:
    appointments = await stack.ctx.database.read(
        lambda s: list_appointments(
            s,
            "default",
            "elm-street",
            start=first,
            end=first + timedelta(days=30),
            every_status=True,
        )
    )
    have = {each.uid: (each.status, each.starts_at) for each in appointments}
    different = [uid for uid in expected if have.get(uid) != expected[uid]]
    calls = await reading.list_calls(stack.ctx, "appointment-reminder", limit=10_000)
    calls_that_differ = [
        (call.number, call.outcome, call.disposition, call.detail, call.structured)
        for call in calls
        if f"uid{call.to[1:]}" in different
    ]
    record = await reading.require_campaign(stack.ctx, "appointment-reminder")
    entries = [
        (entry.kind, entry.state, entry.note)
        for callback_run in await stack.ctx.database.read(
            lambda s: runs.list_callback_runs(s, record.id)
        )
        for entry in callback_run.entries
        if entry.state is not CallbackState.DONE
    ]
    assert not different, (calls_that_differ, entries)


async def _shared_calendar(
    calendar: CalDavCalendar,
    first: datetime,
    expected: Mapping[str, tuple[AppointmentStatus, datetime]],
) -> None:
    entries = await calendar.busy(first - timedelta(days=1), first + timedelta(days=30))
    theirs = {each.uid: each.starts_at for each in entries if each.uid.startswith("uid")}
    assert len(entries) - len(theirs) == STRANGERS * CAPACITY
    assert theirs == {
        uid: start
        for uid, (status, start) in expected.items()
        if status is not AppointmentStatus.CANCELED
    }


async def _everything_else(
    stack: Stack,
    name: str,
    people: Mapping[str, tuple[list[str], datetime]],
    endpoint: Endpoint,
) -> None:
    read = stack.ctx.database.read
    for phone, (behaviours, _) in people.items():
        listed = await read(lambda s, phone=phone: is_suppressed(s, "default", phone))  # type: ignore[misc]
        assert (listed is not None) == (behaviours == ["opt_out"]), phone
    outcomes = {phone: outcome for phone, (outcome, _) in (await _finals(stack, name)).items()}
    words = {
        "confirm": "confirmed",
        "move": "moved",
        "cancel": "appointment_canceled",
        "opt_out": "opted_out",
        "no_answer": "no_answer",
    }
    assert outcomes == {phone: words[each[-1]] for phone, (each, _) in people.items()}
    # A request that is repeated after a kill has the same idempotency key.
    requests: dict[str, Any] = {
        each.headers["idempotency-key"]: each.body for each in endpoint.received
    }
    phones = Counter(json.loads(body)["phone"] for body in requests.values())
    assert phones == dict.fromkeys(people, 1)
    record = await reading.require_campaign(stack.ctx, name)
    stored_runs = await read(lambda s: runs.list_callback_runs(s, record.id))
    states = Counter(entry.state for callback_run in stored_runs for entry in callback_run.entries)
    log.info("entries %s, %d requests for %d", states, len(endpoint.received), len(people))
    assert states[CallbackState.FAILED] == 0
    assert {callback_run.state for callback_run in stored_runs} == {CallbackRunState.DONE}


async def _finals(stack: Stack, name: str) -> dict[str, tuple[str | None, int]]:
    return (await stack.aftermath(name)).finals()
