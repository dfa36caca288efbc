"""Recipients with their zones resolved: what a roster stores of each, and a forecast counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.numbers.policy import refusal
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone, ZoneEvidence, zone_evidence

_PREFIX = 4
"""Digits that hold any country code: the phone library keeps what it compiled for a country only
until a few hundred other patterns have come, so countries are looked at one after another."""


class LocatedDraft(NamedTuple):
    """A recipient as it is stored: its number, and its time zones or why it is refused."""

    position: int
    """0 for the first row; identifies the row within one launch's source."""
    phone: str
    """E.164."""
    alternate_phones: tuple[str, ...]
    """E.164, in the order in which they are tried."""
    zones: str | None
    """The ZoneEvidence as JSON text, as `recipient.zones` holds it; None when it is refused."""
    refusal: str | None
    """Why it is refused; None for one that is not."""
    consent: str | None
    """The Consent as JSON text, as `recipient.consent` holds it."""
    variables: dict[str, str]
    """What the agent is given."""
    appointment_at: datetime | None = None
    """The start (UTC) of the appointment that the person has already."""
    appointment_uid: str | None = None
    appointment_title: str | None = None


class RecipientKind(NamedTuple):
    """What the rules decide a recipient by, before any call."""

    zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    destinations: tuple[str, ...]
    consent: Consent | None
    """What proves it is left out: only that something does makes two recipients different."""


def locate(
    drafts: Iterable[RecipientDraft], default_zone: str | None
) -> list[tuple[LocatedDraft, RecipientKind | str]]:
    """Drafts with their time zones, in their order; each with its kind, or why it is refused."""
    by_country = sorted(enumerate(drafts), key=lambda at: at[1].phone[:_PREFIX])
    located = [(at, _located(draft, default_zone)) for at, draft in by_country]
    return [each for _, each in sorted(located, key=itemgetter(0))]


def _located(
    draft: RecipientDraft, default_zone: str | None
) -> tuple[LocatedDraft, RecipientKind | str]:
    zones = _zones(draft, default_zone)
    consent = draft.consent
    located = LocatedDraft(
        position=draft.position,
        phone=draft.phone,
        alternate_phones=draft.alternate_phones,
        zones=None if isinstance(zones, str) else zones.model_dump_json(exclude_none=True),
        refusal=zones if isinstance(zones, str) else None,
        consent=None if consent is None else consent.model_dump_json(),
        variables=draft.variables,
        appointment_at=draft.appointment_at,
        appointment_uid=draft.appointment_uid,
        appointment_title=draft.appointment_title,
    )
    return located, zones if isinstance(zones, str) else _kind(zones, consent)


def _zones(draft: RecipientDraft, default_zone: str | None) -> ZoneEvidence | str:
    """The time zones of a draft, or why it is refused."""
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
        return str(error)
    return refusal(evidence.destinations) or evidence


def _kind(evidence: ZoneEvidence, consent: Consent | None) -> RecipientKind:
    if consent is not None:
        consent = consent.model_copy(update={"proof": consent.proof and "given"})
    return RecipientKind(
        evidence.candidates, evidence.jurisdictions, evidence.destinations, consent
    )
