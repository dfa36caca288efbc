"""Says what is wrong with a key of a definition, and what would be right.

`RIGHT` has one entry for every key of the definition; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum

from pydantic_core import ErrorDetails

from outdial.domain.appointment.calendar import MAX_CAPACITY
from outdial.domain.call.retry import Daypart
from outdial.domain.call.status import AnsweredBy
from outdial.domain.definition.callbacks import After, CallbackKind
from outdial.domain.definition.campaign import (
    MAX_ATTEMPTS,
    MAX_IN_FLIGHT,
    MAX_PER_MINUTE,
    Purpose,
    Weekday,
)
from outdial.domain.definition.campaign import TimeZonePolicy as Policy
from outdial.domain.definition.caps import MAX_CALLS, CapScope
from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import CSV_SOURCE, INLINE_LIST
from outdial.domain.line.routing import MAX_WEIGHT
from outdial.domain.rules.consent import ConsentLevel


def _one_of(values: Iterable[StrEnum]) -> str:
    return "write " + " or ".join(value.value for value in values)


_KEYS = "write its keys below it"
_DURATION = "write a duration, such as 30s or 10m"
_ATTEMPTS = f"write a whole number from 1 to {MAX_ATTEMPTS}"
_PHONE = "write a number with its country code, such as '+12025550123'"
_ZONE = "write an IANA time zone, such as America/New_York"
_INSTANT = "write a date, a time and an offset, such as 2030-01-31T09:00:00+01:00"
_COLUMN = "write the name of a column"
_BOOLEAN = "write true or false"
_STEPS = "write a duration in steps of 5m, such as 30m"
_LATER = "leave it out, it is not supported yet"
_DAYS = f"write {', '.join(Weekday)}, or a list of them"
_HOURS = "write a span such as 09:00-18:00, or a list of them"
_CONSENT = ("consent", "consent_scope", "consent_proof", "consent_given_at", "consent_expires_at")
_OUTCOMES = ("busy", "no_answer", "voicemail", "failed", "unknown", "call_me_later")

RIGHT: dict[str, str] = {
    "name": "write a name such as spring-reminder: a-z, 0-9, - and _, at most 63 of them",
    "description": "write a text",
    "purpose": _one_of(Purpose),
    "line": "write the name of a configured line, such as simulated, or a list of lines",
    "line.name": "write the name of a configured line, such as simulated",
    "line.weight": f"write a whole number from 0 to {MAX_WEIGHT}",
    "line.agent": "write the agent's id on this line, or its id and settings below it",
    "line.agent.id": "write the agent's id",
    "line.agent.settings": "write settings as keys and values below it",
    "line.caller_ids": f"{_PHONE}, or a list of them",
    "agent": "write the agent's id, or its id and settings below it",
    "agent.id": "write the agent's id",
    "agent.settings": "write settings as keys and values below it",
    "caller_ids": f"{_PHONE}, or a list of them",
    "recipients": "write csv: and the path of a contact file below it, or a list of recipients",
    "recipients.csv": "write the path of a contact file",
    "recipients.columns": "write below it which column holds what, such as phone: mobile",
    "recipients.columns.phone": _COLUMN,
    "recipients.columns.alternate_phones": f"{_COLUMN}, or a list of them",
    "recipients.columns.time_zone": _COLUMN,
    "recipients.columns.postal_code": _COLUMN,
    "recipients.columns.state": _COLUMN,
    **{f"recipients.columns.{role}": _COLUMN for role in _CONSENT},
    "recipients.default_region": "write an ISO 3166 country code, such as GB",
    "recipients.phone": _PHONE,
    "recipients.alternate_phones": f"{_PHONE}, or a list of them",
    "recipients.time_zone": _ZONE,
    "recipients.postal_code": "write a postal code",
    "recipients.state": "write a state or province",
    "recipients.consent": _one_of(ConsentLevel),
    "recipients.consent_scope": _one_of(Purpose),
    "recipients.consent_proof": "write what proves it, such as the id of a form",
    "recipients.consent_given_at": _INSTANT,
    "recipients.consent_expires_at": _INSTANT,
    "variables": 'write names and templates below it, such as greeting: "Hi {{ first_name }}"',
    "variables.*": 'write a template in quotes, such as "Hi {{ first_name }}"',
    "callbacks": "write a list, such as - {do: suppress, when: {disposition: wrong_number}}",
    "callbacks.do": _one_of(CallbackKind),
    "callbacks.when": f"{_KEYS}, such as outcome: booked",
    "callbacks.when.outcome": "write an outcome such as booked, or a list of them",
    "callbacks.when.disposition": "write a disposition, or a list of them",
    "callbacks.when.attempt": f"{_ATTEMPTS}",
    "callbacks.when.answered_by": _one_of(AnsweredBy),
    "callbacks.when.final": _BOOLEAN,
    "callbacks.when.data": "write paths and values below it, such as reason: pain",
    "callbacks.after": _one_of(After),
    "callbacks.retry": f"{_KEYS}, such as max_attempts: 5",
    "callbacks.retry.max_attempts": _ATTEMPTS,
    "callbacks.retry.delay": _DURATION,
    "callbacks.retry.longest": _DURATION,
    "callbacks.retry.timeout": _DURATION,
    "callbacks.undo": _BOOLEAN,
    "callbacks.at": "write a path in the agent's data, such as visit.at",
    "callbacks.url": "write an address such as https://crm.example.com/calls",
    "callbacks.headers": "write names and templates below it",
    "callbacks.auth": "write the name of a secret in the settings",
    "callbacks.body": "write keys and templates below it, or for an email a text",
    "callbacks.to": 'write an address, such as "{{ email }}"',
    "callbacks.subject": "write a text",
    "callbacks.invitation": _BOOLEAN,
    "callbacks.reason": "write a text",
    "callbacks.campaign": "write the name of a campaign",
    "callbacks.variables": "write names and paths below it, such as reason: visit.reason",
    "calendar": f"{_KEYS}, such as name: clinic",
    "calendar.name": "write a name such as clinic: a-z, 0-9, - and _, at most 63 of them",
    "calendar.time_zone": _ZONE,
    "calendar.days": _DAYS,
    "calendar.hours": _HOURS,
    "calendar.excluded_dates": "write a date such as 2030-12-25, or a list of them",
    "calendar.duration": _STEPS,
    "calendar.every": _STEPS,
    "calendar.buffer_before": _STEPS,
    "calendar.buffer_after": _STEPS,
    "calendar.capacity": f"write a whole number from 1 to {MAX_CAPACITY}",
    "calendar.notice": _DURATION,
    "calendar.horizon": _DURATION,
    "calendar.title": "write a text",
    "calendar.existing": 'write a template in quotes, such as "{{ appointment_at }}"',
    "calendar.existing_uid": 'write a template in quotes, such as "{{ appointment_uid }}"',
    "schedule": f"{_KEYS}, such as hours: 09:00-18:00",
    "schedule.start": _INSTANT,
    "schedule.end": _INSTANT,
    "schedule.days": _DAYS,
    "schedule.hours": _HOURS,
    "schedule.windows": "write a list of days and hours, such as - {days: sat, hours: 10:00-14:00}",
    "schedule.windows.days": _DAYS,
    "schedule.windows.hours": _HOURS,
    "schedule.holidays": "write a calendar such as US, or callee, or a list of them",
    "schedule.guard": "write a duration up to 1h, such as 60s",
    "schedule.excluded_dates": "write a date such as 2030-12-25, or a list of them",
    "schedule.time_zone_policy": _one_of(Policy),
    "schedule.time_zone": _ZONE,
    "pacing": f"{_KEYS}, such as max_concurrent: 20",
    "pacing.max_concurrent": f"write a whole number from 1 to {MAX_IN_FLIGHT}",
    "pacing.per_minute": f"write a whole number from 1 to {MAX_PER_MINUTE}",
    "retry": f"{_KEYS}, such as busy: {{delays: 10m}}",
    "retry.max_attempts": _ATTEMPTS,
    "retry.max_attempts_per_day": _ATTEMPTS,
    "retry.dayparts": f"write {', '.join(Daypart)}, or a list of them",
    "retry.jitter": "write a duration up to 12h, such as 5m",
    **{
        f"retry.{outcome}": "write delays: below it, such as {delays: 10m}" for outcome in _OUTCOMES
    },
    **{
        f"retry.{outcome}.delays": "write a delay such as 10m, 2h or next_day, or a list of them"
        for outcome in _OUTCOMES
    },
    **{f"retry.{outcome}.max_attempts": _ATTEMPTS for outcome in _OUTCOMES},
    **{f"retry.{outcome}.factor": "write a number from 1 to 10" for outcome in _OUTCOMES},
    **{f"retry.{outcome}.longest": _DURATION for outcome in _OUTCOMES},
    "caps": "write a list of caps, such as - {calls: 3, within: 24h}",
    "caps.calls": f"write a whole number from 1 to {MAX_CALLS}",
    "caps.within": "write a duration such as 24h or 30d, or leave it out: ever",
    "caps.per": _one_of(CapScope),
    "consent": _one_of(ConsentLevel),
    "accept_risk": "write a list of rules with reasons, such as - {rule: US-FL.hours, reason: why}",
    "accept_risk.rule": "write the id of a rule, such as US-FL.hours",
    "accept_risk.reason": "write why, in ten characters or more",
    "max_duration": _DURATION,
    "ring_timeout": _DURATION,
    "recording": _BOOLEAN,
    "webhooks": "write a list of URLs, such as - {url: https://example.com/hooks}",
    "webhooks.url": "write a URL such as https://example.com/hooks",
    "webhooks.events": "write an event such as call.completed, a list of them, or leave it out",
    "budget": _LATER,
}

_DEFINITION = "write a campaign definition: name:, purpose:, agent:, recipients: and so on"
_RECIPIENT = "write phone: and a number in quotes, such as phone: '+12025550123'"
_CHOICES: dict[str, list[str]] = {
    "purpose": list(Purpose),
    "schedule.days": list(Weekday),
    "schedule.time_zone_policy": list(Policy),
    "schedule.windows.days": list(Weekday),
    "retry.dayparts": list(Daypart),
    "caps.per": list(CapScope),
    "consent": list(ConsentLevel),
    "callbacks.do": list(CallbackKind),
    "callbacks.after": list(After),
    "callbacks.when.answered_by": list(AnsweredBy),
    "calendar.days": list(Weekday),
}


def document_path(error: ErrorDetails) -> tuple[int | str, ...]:
    """The error's path in the document: without the names of union branches."""
    location = error["loc"]
    if location[:1] == ("recipients",) and location[1:2] in ((CSV_SOURCE,), (INLINE_LIST,)):
        return (location[0], *location[2:])
    return location


def describe(error: ErrorDetails) -> str:
    """What was found, what would be right."""
    names = [step for step in document_path(error) if isinstance(step, str)]
    path = ".".join(names)
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(names)
    if kind == "missing":
        return f"found no {names[-1]}; {_right(path)}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    found = error["input"]
    if document_path(error)[:1] == ("recipients",) and isinstance(error["loc"][-1], int):
        return f"found {describe_value(found)}; {_RECIPIENT}"
    message = f"found {describe_value(found)}; {_right(path)}"
    if not isinstance(found, str):
        return message
    if path == "name":
        return message + _suggest(_slug(found))
    choices = _CHOICES.get(path, []) if found.isalpha() else []
    near = get_close_matches(found.lower(), choices, n=1, cutoff=0.6)
    return message + _suggest(near[0] if near else "")


def _right(path: str) -> str:
    parent = path.rpartition(".")[0]
    return RIGHT.get(path) or RIGHT.get(f"{parent}.*") or RIGHT.get(parent) or _DEFINITION


def _suggest(better: str) -> str:
    return f"; did you mean {better}?" if better else ""


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")


def _unknown_key(names: list[str]) -> str:
    key, above = names[-1], ".".join(names[:-1])
    here = [name for path in RIGHT for parent, _, name in [path.rpartition(".")] if parent == above]
    if above == "recipients":
        here = ["csv", "columns", "default_region"]
    near = get_close_matches(key.lower(), here, n=1, cutoff=0.7)
    if near:
        return f"unknown key {describe_value(key)}, did you mean {near[0]}?"
    elsewhere = [
        parent or "the top level"
        for path in RIGHT
        for parent, _, name in [path.rpartition(".")]
        if name == key and not parent.startswith("retry.")
    ]
    if elsewhere:
        return f"unknown key {describe_value(key)}, it belongs under {elsewhere[-1]}"
    return f"unknown key {describe_value(key)}, the keys here are {', '.join(here)}"
