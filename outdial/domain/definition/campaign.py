"""The campaign definition: the YAML file as a value.

Unknown keys are errors. Positions in the file are added by the reader in `intake`. The
docstring under a field is what an editor shows for its key.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from outdial.domain.call.policy import BOUNDED, CampaignPolicy, out_of_bounds
from outdial.domain.definition.callbacks import MAX_CALLBACKS, Callback
from outdial.domain.definition.fields import Frozen, OneOrMany
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.source import RecipientSource
from outdial.domain.endpoint import EVERY_EVENT, require_events
from outdial.domain.hints import TEXT, Hint
from outdial.domain.line.routing import LineShare, LineShares

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
MAX_WEBHOOKS = 20
"""Every event is written once for each."""


def _name_like(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")


class WebhookTarget(Frozen):
    """A URL to which events of a campaign are delivered as signed webhooks."""

    url: Annotated[
        str,
        Field(pattern=r"^https?://[^\s]+$", max_length=2000),
        Hint("write a URL such as https://example.com/hooks"),
    ]
    """Where to, such as https://example.com/hooks."""
    events: Annotated[
        OneOrMany[str],
        Hint("write an event such as call.completed, a list of them, or leave it out"),
    ] = (EVERY_EVENT,)
    """Event types that are delivered, such as call.completed. Default: all."""

    @field_validator("events")
    @classmethod
    def _existing_events(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return require_events(value)


class CampaignDefinition(CampaignPolicy):
    """One campaign: whom to call, through which line, when, how often, and what then."""

    name: Annotated[
        str,
        Field(pattern=NAME_PATTERN),
        Hint(
            "write a name such as spring-reminder: a-z, 0-9, - and _, at most 63 of them",
            suggest=_name_like,
        ),
    ]
    """Names the campaign for good: lowercase letters, digits, - and _."""
    description: Annotated[str | None, TEXT] = None
    """For people."""
    purpose: Purpose
    """informational or telemarketing; it can't be changed once the campaign is launched."""
    line: Annotated[
        LineShares | None,
        Hint("write the name of a configured line, such as simulated, or a list of lines"),
    ] = None
    """The configured line to call through, or several with weights. Without it: `default_line` of
    the settings, else the only real line there is. `simulated` is the built-in telephone
    network."""
    recipients: RecipientSource
    """Whom to call: a contact file, or a list written here."""
    variables: Annotated[
        dict[
            str, Annotated[str, Hint('write a template in quotes, such as "Hi {{ first_name }}"')]
        ],
        Hint('write names and templates below it, such as greeting: "Hi {{ first_name }}"'),
    ] = Field(default_factory=dict)
    """Templates (Jinja2, sandboxed) over a recipient's own values. What they give is handed to
    the agent together with the recipient's own variables."""
    webhooks: Annotated[
        tuple[WebhookTarget, ...],
        Hint("write a list of URLs, such as - {url: https://example.com/hooks}"),
    ] = ()
    """URLs to which events of this campaign and its calls are delivered."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The names of its lines, in their order; none when the settings are to choose."""
        return tuple(share.name for share in self.line or ())

    def on_line(self, name: str) -> CampaignDefinition:
        """The same campaign on one line."""
        return self.model_copy(update={"line": (LineShare(name=name),)})

    @field_validator(*BOUNDED)
    @classmethod
    def _bounded(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        problem = out_of_bounds(info.field_name or "", value)
        if problem is not None:
            raise ValueError(problem)
        return value

    @field_validator("callbacks")
    @classmethod
    def _can_be_done(
        cls, value: tuple[Callback, ...], info: ValidationInfo
    ) -> tuple[Callback, ...]:
        if len(value) > MAX_CALLBACKS:
            raise ValueError(f"found {len(value)} callbacks; write at most {MAX_CALLBACKS}")
        needs = [each.do.value for each in value if each.do.on_appointments]
        if needs and info.data.get("calendar") is None and "calendar" in info.data:
            raise ValueError(f"found do: {needs[0]} without a calendar; write one under calendar")
        return value

    @field_validator("webhooks")
    @classmethod
    def _not_too_many(cls, value: tuple[WebhookTarget, ...]) -> tuple[WebhookTarget, ...]:
        if len(value) > MAX_WEBHOOKS:
            raise ValueError(f"found {len(value)} webhooks; write at most {MAX_WEBHOOKS}")
        return value
