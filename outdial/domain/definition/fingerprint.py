"""What a plan is bound to: versions of everything that it was made of, and one id over them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from outdial.domain.definition.campaign import CampaignDefinition


@dataclass(frozen=True, slots=True)
class PlanFingerprint:
    """The versions of what a plan was made of."""

    definition: str
    """SHA-256 of the definition without its recipients."""
    recipients: str
    """SHA-256 of the contact file, or of the list in the definition."""
    rules: str
    """The version of the calling rules, those of the operator and blocks included."""
    zones: str
    """The version of the data that time zones are worked out from."""
    campaign: str | None
    """Launch and revision of the campaign of that name; None: there is none."""

    @property
    def id(self) -> str:
        """The plan's id: SHA-256 over all of them."""
        return hashlib.sha256(canonical(asdict(self)).encode()).hexdigest()


def definition_hash(definition: CampaignDefinition) -> str:
    """SHA-256 of a definition without its recipients, whatever order its keys are written in."""
    return content_hash(definition.model_dump(mode="json", exclude={"recipients"}))


def content_hash(value: Any) -> str:
    """SHA-256 of a value of JSON types."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    """A value of JSON types as text: equal values have one text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
