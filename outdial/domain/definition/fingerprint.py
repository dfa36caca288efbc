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

    @property
    def revision(self) -> int | None:
        """The campaign's; None: there was none."""
        return None if self.campaign is None else int(self.campaign.partition("/")[2])

    def changed(self, present: PlanFingerprint) -> list[str]:
        """What has another version at present, in words."""
        return [
            f"{words}{_versions(name, getattr(self, name), getattr(present, name))}"
            for name, words in _NAMED.items()
            if getattr(self, name) != getattr(present, name)
        ]


_NAMED = {
    "definition": "the definition",
    "recipients": "the recipients",
    "rules": "the calling rules",
    "zones": "the time zone data",
    "campaign": "the campaign",
}


def _versions(name: str, before: str | None, after: str | None) -> str:
    """Versions that mean something to people: ` (pytz 2026.1, now pytz 2026.2)`."""
    if name in ("definition", "recipients"):
        return ""
    if name != "campaign":
        return f" ({before}, now {after})"
    return f" ({_revision(before)}, now {_revision(after)})"


def _revision(text: str | None) -> str:
    if text is None:
        return "not launched"
    launch, revision = text.split("/")
    return f"launch {launch} at revision {revision}"


def definition_hash(definition: CampaignDefinition) -> str:
    """SHA-256 of a definition without its recipients, whatever order its keys are written in."""
    return content_hash(definition.model_dump(mode="json", exclude={"recipients"}))


def content_hash(value: Any) -> str:
    """SHA-256 of a value of JSON types."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    """A value of JSON types as text: equal values have one text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
