"""How a person is to be called: the keys that definitions, requests and the API share.

A single request, the API and a campaign have `CallPolicy` in common, types, hints and defaults
included; `CampaignPolicy` is what a campaign has beyond that. A key that is added here is a key of
the definition, and is stored in the plan of each campaign by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from outdial.domain.appointment.calendar import CalendarRules
from outdial.domain.call.retry import Retry
from outdial.domain.definition.agent import AgentById
from outdial.domain.definition.budget import Budget
from outdial.domain.definition.callbacks import Callback
from outdial.domain.definition.caps import Cap
from outdial.domain.definition.fields import Duration, Frozen, format_duration
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.hints import KEYS_BELOW, Hint
from outdial.domain.line.routing import MAX_WEIGHT, CallerIds
from outdial.domain.rules.consent import ConsentLevel

MAX_IN_FLIGHT = 1000
"""Calls one campaign may hold open: half the server's limit of pending children."""
MAX_PER_MINUTE = 60_000
_BOUNDS = {
    "max_duration": (timedelta(seconds=1), timedelta(hours=4), "1s and 4h"),
    "ring_timeout": (timedelta(seconds=1), timedelta(minutes=10), "1s and 10m"),
}
"""Bounds of call and ring durations for every caller: a leaked key can't start endless calls."""
BOUNDED = tuple(_BOUNDS)


def out_of_bounds(name: str, value: timedelta) -> str | None:
    """What is wrong with a duration of the policy; None when a call may last or ring so long."""
    low, high, words = _BOUNDS[name]
    if low <= value <= high:
        return None
    return f"found {format_duration(value)}; write a duration between {words}"


class AcceptedRisk(Frozen):
    """A calling rule that is set aside. It is noted with every decision."""

    rule: Annotated[str, Field(min_length=1), Hint("write the id of a rule, such as US-FL.hours")]
    """The rule's id, such as US-FL.hours; `outdial rules` lists them."""
    reason: Annotated[str, Field(min_length=10), Hint("write why, in ten characters or more")]
    """Why it does not bind these calls, for the record."""


class CallPolicy(Frozen):
    """What a single call and the calls of a campaign have in common."""

    purpose: Purpose = Purpose.INFORMATIONAL
    """informational or telemarketing: the calling rules depend on it."""
    agent: Annotated[AgentById, Hint("write the agent's id, or its id and settings below it")]
    """The voice agent that speaks: its id, or its id and settings."""
    schedule: Annotated[Schedule, Hint(f"{KEYS_BELOW}, such as hours: 09:00-18:00")] = Schedule()
    """When people may be called."""
    retry: Annotated[Retry, Hint(f"{KEYS_BELOW}, such as busy: {{delays: 10m}}")] = Retry()
    """When to try again. An outcome without an entry here is not tried again."""
    caps: Annotated[
        tuple[Cap, ...], Hint("write a list of caps, such as - {calls: 3, within: 24h}")
    ] = ()
    """How often one person may be called, over all campaigns together; the rules' own caps hold
    beside these."""
    accept_risk: Annotated[
        tuple[AcceptedRisk, ...],
        Hint("write a list of rules with reasons, such as - {rule: US-FL.hours, reason: why}"),
    ] = ()
    """Calling rules that are set aside, each with the reason why they don't bind these calls."""
    max_duration: Duration = timedelta(minutes=10)
    """A call is ended after this time, from 1s to 4h."""
    ring_timeout: Duration = timedelta(seconds=30)
    """How long it may ring, from 1s to 10m."""
    recording: bool | None = None
    """Whether calls are recorded. A line without such an option refuses it. Default: not, where the
    line can switch it off without losing anything else; elsewhere as its agent is set up."""


class Pacing(Frozen):
    """How fast."""

    max_concurrent: Annotated[int, Field(ge=1, le=MAX_IN_FLIGHT)] = 10
    """How many calls may be open at the same time."""
    per_minute: Annotated[int, Field(ge=1, le=MAX_PER_MINUTE)] | None = None
    """How many calls may start in any 60 seconds. Default: no such limit."""
    weight: Annotated[int, Field(ge=1, le=MAX_WEIGHT)] = 1
    """Its share of a line that other campaigns wait for too, beside their weights. A campaign that
    can't use its share leaves the rest to them."""


class CampaignPolicy(CallPolicy):
    """What a campaign says about each of its calls: stored with it as its plan."""

    caller_ids: CallerIds = ()
    """The number shown to the person called; of several, each in turn. Default: the line's."""
    pacing: Annotated[Pacing, Hint(f"{KEYS_BELOW}, such as max_concurrent: 20")] = Pacing()
    """How fast."""
    budget: Annotated[Budget | None, Hint(f"{KEYS_BELOW}, such as most: 500 USD")] = None
    """How much the calls may cost. Without it, costs are not counted."""
    consent: ConsentLevel | None = None
    """Demand such consent of every row; the rules demand it by themselves where it is needed."""
    calendar: Annotated[CalendarRules | None, Hint(f"{KEYS_BELOW}, such as name: clinic")] = None
    """The calendar in which calls book, move, cancel and confirm appointments."""
    callbacks: Annotated[
        tuple[Callback, ...],
        Hint("write a list, such as - {do: suppress, when: {disposition: wrong_number}}"),
    ] = ()
    """Actions after a call, in order."""
