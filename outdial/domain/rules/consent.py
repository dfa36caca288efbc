"""What a person has consented to, and what proves it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from outdial.domain.definition.fields import Frozen, Instant
from outdial.domain.definition.purpose import Purpose


class ConsentLevel(StrEnum):
    EXPRESS = "express"
    """The person said so, or gave the number for it."""
    WRITTEN = "written"
    """The person signed so, on paper or by a click that is on record."""

    def includes(self, level: ConsentLevel) -> bool:
        return self is ConsentLevel.WRITTEN or level is ConsentLevel.EXPRESS


class Consent(Frozen):
    """One person's consent to be called by an automated voice."""

    level: ConsentLevel
    """express or written; written is more."""
    scope: Purpose | None = None
    """The purpose it was given for; without it: the one of the campaign that lists the person."""
    proof: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """What proves it: a form's id, a recording, an address. Written consent needs one."""
    given_at: Instant | None = None
    """When it was given; a date, a time and an offset."""
    expires_at: Instant | None = None
    """From this instant on it does not count."""

    @field_validator("expires_at")
    @classmethod
    def _after_it_was_given(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        given = info.data.get("given_at")
        if value is not None and given is not None and value <= given:
            raise ValueError("found an expiry before the consent was given; swap them")
        return value

    def covers(self, level: ConsentLevel, purpose: Purpose) -> bool:
        """Whether it is enough, its times aside; written consent without a proof is express."""
        shown = self.level
        if shown is ConsentLevel.WRITTEN and not self.proof:
            shown = ConsentLevel.EXPRESS
        return shown.includes(level) and (self.scope is None or self.scope is purpose)

    @cached_property
    def noted(self) -> dict[str, Any]:
        """As decisions note it."""
        return self.model_dump(mode="json", exclude_none=True)
