"""What follows a call, as a definition says it, and which of it a call's outcome asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from outdial.domain.call.disposition import slug_of
from outdial.domain.call.status import AnsweredBy
from outdial.domain.definition.fields import (
    Duration,
    Frozen,
    OneOrMany,
    describe_value,
    format_duration,
)
from outdial.domain.definition.matching import Condition, Facts, matches_data
from outdial.domain.hints import KEYS_BELOW, TEXT, Hint, one_of

MAX_STEP_ATTEMPTS = 100
MAX_CALLBACKS = 50


class CallbackKind(StrEnum):
    """What is done."""

    BOOK_APPOINTMENT = "book_appointment"
    MOVE_APPOINTMENT = "move_appointment"
    CANCEL_APPOINTMENT = "cancel_appointment"
    CONFIRM_APPOINTMENT = "confirm_appointment"
    WEBHOOK = "webhook"
    EMAIL = "email"
    CALL_BACK = "call_back"
    SUPPRESS = "suppress"
    ENROLL = "enroll"

    @property
    def in_house(self) -> bool:
        """Decided in the transaction that settles the outcome."""
        return self in _IN_HOUSE

    @property
    def on_appointments(self) -> bool:
        return self.value.endswith("_appointment")


_IN_HOUSE = frozenset({CallbackKind.CALL_BACK, CallbackKind.SUPPRESS, CallbackKind.ENROLL})


class After(StrEnum):
    """How the steps before went."""

    DONE = "done"
    FOLLOW_UP = "follow_up"


class StepRetry(Frozen):
    """How often one step is tried, and how long."""

    max_attempts: Annotated[int, Field(ge=1, le=MAX_STEP_ATTEMPTS)] = 8
    """How often it is tried before it has failed."""
    delay: Duration = timedelta(seconds=5)
    """The wait after the first failure; doubled after each further one."""
    longest: Duration = timedelta(hours=1)
    """No wait becomes longer."""
    timeout: Duration = timedelta(seconds=30)
    """How long one try may take, from 1s to 5m."""

    @field_validator("timeout")
    @classmethod
    def _timeout(cls, value: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= value <= timedelta(minutes=5):
            raise ValueError(f"found {format_duration(value)}; write a duration from 1s to 5m")
        return value

    @field_validator("delay", "longest")
    @classmethod
    def _some(cls, value: timedelta) -> timedelta:
        if not timedelta(milliseconds=100) <= value <= timedelta(days=2):
            raise ValueError(f"found {format_duration(value)}; write a duration up to 2d")
        return value


class When(Frozen):
    """Which calls it follows. All that is written must hold; without anything: every call."""

    outcome: Annotated[
        OneOrMany[str], Hint("write an outcome such as booked, or a list of them")
    ] = ()
    """The call's outcome, or one of several; failed means every kind of failure."""
    disposition: Annotated[OneOrMany[str], Hint("write a disposition, or a list of them")] = ()
    """The agent's word for how the talk went, or one of several."""
    attempt: Annotated[
        OneOrMany[Annotated[int, Field(ge=1, le=MAX_STEP_ATTEMPTS)]],
        Hint(f"write a whole number from 1 to {MAX_STEP_ATTEMPTS}"),
    ] = ()
    """Which attempt to this person it was, or one of several."""
    answered_by: Annotated[OneOrMany[AnsweredBy], Hint(one_of(AnsweredBy))] = ()
    """Who answered: human, machine or unknown."""
    final: bool | None = None
    """Whether the person is not called again in this campaign."""
    data: Annotated[
        dict[str, Condition], Hint("write paths and values below it, such as reason: pain")
    ] = Field(default_factory=dict)
    """Values that the agent extracted, by their path such as visit.reason: a value, a list of
    which one must be, or conditions such as {at_least: 3} or {exists: true}."""

    def matches(self, facts: Facts) -> bool:
        family = facts.outcome.partition(":")[0]
        return (
            (not self.outcome or any(_says(word, self.outcome) for word in (facts.outcome, family)))
            and (not self.disposition or _says(facts.disposition, self.disposition))
            and (not self.attempt or facts.attempt in self.attempt)
            and (not self.answered_by or facts.answered_by in self.answered_by)
            and (self.final is None or self.final is facts.final)
            and matches_data(self.data, facts.data)
        )


def _says(word: str | None, wanted: Sequence[str]) -> bool:
    """Whether it is one of the words, however a definition spells them: `Not interested` too."""
    return word is not None and (word in wanted or word in map(slug_of, wanted))


_KEYS: dict[str, frozenset[CallbackKind]] = {
    "url": frozenset({CallbackKind.WEBHOOK}),
    "headers": frozenset({CallbackKind.WEBHOOK}),
    "auth": frozenset({CallbackKind.WEBHOOK}),
    "body": frozenset({CallbackKind.WEBHOOK, CallbackKind.EMAIL}),
    "to": frozenset({CallbackKind.EMAIL}),
    "subject": frozenset({CallbackKind.EMAIL}),
    "invitation": frozenset({CallbackKind.EMAIL}),
    "at": frozenset(
        {
            CallbackKind.BOOK_APPOINTMENT,
            CallbackKind.MOVE_APPOINTMENT,
            CallbackKind.CALL_BACK,
        }
    ),
    "reason": frozenset({CallbackKind.SUPPRESS}),
    "campaign": frozenset({CallbackKind.ENROLL}),
    "variables": frozenset({CallbackKind.ENROLL}),
    "retry": frozenset(CallbackKind) - _IN_HOUSE,
    "undo": frozenset(kind for kind in CallbackKind if kind.on_appointments),
    "after": frozenset(CallbackKind) - _IN_HOUSE,
}
"""Keys that only some kinds have."""
_NEEDED = {
    CallbackKind.WEBHOOK: ("url",),
    CallbackKind.EMAIL: ("to", "subject", "body"),
    CallbackKind.ENROLL: ("campaign",),
}


class Callback(Frozen):
    """One thing that is done because of how a call went."""

    do: CallbackKind
    """What is done: one of book_appointment, move_appointment, cancel_appointment,
    confirm_appointment, webhook, email, call_back, suppress, enroll."""
    when: Annotated[When, Hint(f"{KEYS_BELOW}, such as outcome: booked")] = When()
    """Which calls it follows; without it: every call."""
    after: After = After.DONE
    """done: only when all steps before it were done. follow_up: only when one of them became a
    matter for people, such as an appointment that could not be booked."""
    retry: Annotated[StepRetry, Hint(f"{KEYS_BELOW}, such as max_attempts: 5")] = StepRetry()
    """How often it is tried."""
    undo: bool = False
    """Whether it is undone when a later step fails for good."""
    at: Annotated[str | None, Hint("write a path in the agent's data, such as visit.at")] = None
    """Where the agent's data holds the time asked for. Default: appointment_at, or call_at."""
    url: Annotated[str | None, Hint("write an address such as https://crm.example.com/calls")] = (
        None
    )
    """A template of the address that a webhook is sent to."""
    headers: Annotated[dict[str, str], Hint("write names and templates below it")] = Field(
        default_factory=dict
    )
    """Further headers of a webhook, by name; templates. Secrets go into the settings."""
    auth: Annotated[str | None, Hint("write the name of a secret in the settings")] = None
    """The name of a secret in the settings, sent as a bearer token."""
    body: Annotated[
        str | dict[str, Any] | None,
        Hint("write keys and templates below it, or for an email a text"),
    ] = None
    """Of a webhook: keys and templates, sent as JSON. Of an email: a template of its text."""
    to: Annotated[str | None, Hint('write an address, such as "{{ email }}"')] = None
    """A template of the address that an email is sent to."""
    subject: Annotated[str | None, TEXT] = None
    """A template of the subject of an email."""
    invitation: bool = False
    """Whether the email carries the appointment as a calendar file (.ics)."""
    reason: Annotated[str | None, TEXT] = None
    """Why the number is not called any more."""
    campaign: Annotated[str | None, Hint("write the name of a campaign")] = None
    """The campaign on whose roster the person is put."""
    variables: Annotated[
        dict[str, str], Hint("write names and paths below it, such as reason: visit.reason")
    ] = Field(default_factory=dict)
    """What the other campaign is told beside all that is known of the person: names, and paths
    in the agent's data."""

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        for key in sorted(self.model_fields_set & _KEYS.keys()):
            # A plan that is read back names every key; what is at its default says nothing.
            default = type(self).model_fields[key].get_default(call_default_factory=True)
            if self.do not in _KEYS[key] and getattr(self, key) != default:
                kinds = ", ".join(sorted(_KEYS[key]))
                raise ValueError(f"found {key} with do: {self.do}; it belongs to {kinds}")
        for key in _NEEDED.get(self.do, ()):
            if getattr(self, key) is None:
                raise ValueError(f"found do: {self.do} without {key}; write it below")
        wrong = str if self.do is CallbackKind.WEBHOOK else dict
        if isinstance(self.body, wrong):
            right = "keys and templates" if wrong is str else "a text"
            raise ValueError(f"found {describe_value(self.body)} as the body; write {right}")
        return self


def asked_for(callbacks: tuple[Callback, ...], facts: Facts) -> list[tuple[int, Callback]]:
    """The callbacks that follow a call, each with its position in the definition."""
    return [(at, each) for at, each in enumerate(callbacks) if each.when.matches(facts)]
