"""From checked rows to recipients: which time zones they have, or why they are refused."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.numbers.policy import refusal
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone, zone_evidence
from outdial.store.roster.roster import EnrollRow

_PREFIX = 4
"""Digits that hold any country code: the phone library keeps what it compiled for a country only
until a few hundred other patterns have come, so countries are looked at one after another."""


def enroll_rows(drafts: Sequence[RecipientDraft], default_zone: str | None) -> list[EnrollRow]:
    """Resolve the zones of rows, in their order."""
    by_country = sorted(enumerate(drafts), key=lambda at: at[1].phone[:_PREFIX])
    rows = [(at, enroll_row(draft, default_zone)) for at, draft in by_country]
    return [row for _, row in sorted(rows, key=itemgetter(0))]


def enroll_row(draft: RecipientDraft, default_zone: str | None) -> EnrollRow:
    """Resolve the zones of a row; a row without any is refused with the reason."""
    try:
        evidence = zone_evidence(
            draft.phone,
            own=draft.time_zone,
            campaign_default=default_zone,
            state=draft.state,
            postal_code=draft.postal_code,
            others=draft.alternate_phones,
        )
    except (UnknownZone, UnknownPlace) as error:
        return EnrollRow(draft=draft, refused=str(error))
    barred = refusal(evidence.destinations)
    if barred is not None:
        return EnrollRow(draft=draft, refused=barred)
    return EnrollRow(draft=draft, zones=evidence)
