"""Callbacks of a definition: actions after a call, with the conditions under which each is done."""

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

MAX_CALLBACK_ATTEMPTS = 100
MAX_CALLBACKS = 50


class CallbackKind(StrEnum):
    """What a callback does."""

    BOOK_APPOINTMENT = "book_appointment"
    MOVE_APPOINTMENT = "move_appointment"
    CANCEL_APPOINTMENT = "cancel_appointment"
    CONFIRM_APPOINTMENT = "confirm_appointment"
    WEBHOOK = "webhook"
    EMAIL = "email"
    REDIAL = "redial"
    SUPPRESS = "suppress"
    ENROLL = "enroll"

    @property
    def applied_at_settlement(self) -> bool:
        """Applied in the transaction that settles the call; others touch other systems."""
        return self in _AT_SETTLEMENT

    @property
    def on_appointments(self) -> bool:
        return self.value.endswith("_appointment")


_AT_SETTLEMENT = frozenset({CallbackKind.REDIAL, CallbackKind.SUPPRESS, CallbackKind.ENROLL})


class After(StrEnum):
    """How the earlier callbacks of a run must have gone."""

    DONE = "done"
    FOLLOW_UP = "follow_up"


class CallbackRetry(Frozen):
    """How often one callback is tried, and how long."""

    max_attempts: Annotated[int, Field(ge=1, le=MAX_CALLBACK_ATTEMPTS)] = 8
    """How many tries there are before it fails for good."""
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
    """Conditions on the call. All that are written must hold; none: every call."""

    outcome: Annotated[
        OneOrMany[str], Hint("write an outcome such as booked, or a list of them")
    ] = ()
    """The call's outcome, or one of several; failed means every kind of failure."""
    disposition: Annotated[OneOrMany[str], Hint("write a disposition, or a list of them")] = ()
    """The agent's disposition of the conversation, or one of several."""
    attempt: Annotated[
        OneOrMany[Annotated[int, Field(ge=1, le=MAX_CALLBACK_ATTEMPTS)]],
        Hint(f"write a whole number from 1 to {MAX_CALLBACK_ATTEMPTS}"),
    ] = ()
    """Which attempt to this person it was, or one of several."""
    answered_by: Annotated[OneOrMany[AnsweredBy], Hint(one_of(AnsweredBy))] = ()
    """Who answered: human, machine, screener or unknown."""
    final: bool | None = None
    """Whether no other call to the recipient follows in this campaign."""
    data: Annotated[
        dict[str, Condition], Hint("write paths and values below it, such as reason: pain")
    ] = Field(default_factory=dict)
    """Values that the agent extracted, by their path such as visit.reason: a value, a list of
    which one must be, or conditions such as {at_least: 3} or {exists: true}."""

    def matches(self, facts: Facts) -> bool:
        family = facts.outcome.partition(":")[0]
        return (
            (
                not self.outcome
                or any(_is_one_of(word, self.outcome) for word in (facts.outcome, family))
            )
            and (not self.disposition or _is_one_of(facts.disposition, self.disposition))
            and (not self.attempt or facts.attempt in self.attempt)
            and (not self.answered_by or facts.answered_by in self.answered_by)
            and (self.final is None or self.final is facts.final)
            and matches_data(self.data, facts.data)
        )


def _is_one_of(outcome: str | None, written: Sequence[str]) -> bool:
    """Whether it is one of the written ones, also when those are no slugs: `Not interested`."""
    return outcome is not None and (outcome in written or outcome in map(slug_of, written))


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
            CallbackKind.REDIAL,
        }
    ),
    "reason": frozenset({CallbackKind.SUPPRESS}),
    "campaign": frozenset({CallbackKind.ENROLL}),
    "variables": frozenset({CallbackKind.ENROLL}),
    "retry": frozenset(CallbackKind) - _AT_SETTLEMENT,
    "undo": frozenset(kind for kind in CallbackKind if kind.on_appointments),
    "after": frozenset(CallbackKind) - _AT_SETTLEMENT,
}
"""Keys that only some kinds have."""
_NEEDED = {
    CallbackKind.WEBHOOK: ("url",),
    CallbackKind.EMAIL: ("to", "subject", "body"),
    CallbackKind.ENROLL: ("campaign",),
}


class Callback(Frozen):
    """One configured action after a call."""

    do: CallbackKind
    """What is done: one of book_appointment, move_appointment, cancel_appointment,
    confirm_appointment, webhook, email, redial, suppress, enroll."""
    when: Annotated[When, Hint(f"{KEYS_BELOW}, such as outcome: booked")] = When()
    """After which calls it is done; default: after every call."""
    after: After = After.DONE
    """done: only when all callbacks before it were done. follow_up: only when one of them needs a
    person, such as an appointment that could not be booked."""
    retry: Annotated[CallbackRetry, Hint(f"{KEYS_BELOW}, such as max_attempts: 5")] = (
        CallbackRetry()
    )
    """How often it is tried."""
    undo: bool = False
    """Whether it is undone when a later callback fails for good."""
    at: Annotated[str | None, Hint("write a path in the agent's data, such as visit.at")] = None
    """The path in the agent's data of the requested time. Default: appointment_at, or call_at."""
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
    """The reason of the suppression."""
    campaign: Annotated[str | None, Hint("write the name of a campaign")] = None
    """The campaign on whose roster the recipient is put."""
    variables: Annotated[
        dict[str, str], Hint("write names and paths below it, such as reason: visit.reason")
    ] = Field(default_factory=dict)
    """Variables for the other campaign, beside the recipient's own: names, and paths in the agent's
    data."""

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        for key in sorted(self.model_fields_set & _KEYS.keys()):
            # A stored plan names every key, so a key at its default was not written by anybody.
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


def matching_callbacks(callbacks: tuple[Callback, ...], facts: Facts) -> list[tuple[int, Callback]]:
    """The callbacks whose conditions hold, each with its position in the definition."""
    return [(at, each) for at, each in enumerate(callbacks) if each.when.matches(facts)]
