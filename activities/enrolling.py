"""From a checked row to a recipient: which time zones it has, or why it is refused."""

from __future__ import annotations

from domain.roster import RecipientDraft
from domain.zone import UnknownZone, zone_evidence
from store.roster import EnrollRow


def enroll_row(draft: RecipientDraft, default_zone: str | None) -> EnrollRow:
    """Resolve the zones of a row; a row without any is refused with the reason."""
    try:
        evidence = zone_evidence(draft.phone, own=draft.time_zone, campaign_default=default_zone)
    except UnknownZone as error:
        return EnrollRow(draft=draft, refused=str(error))
    return EnrollRow(draft=draft, zones=evidence)
