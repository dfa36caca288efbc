"""Recipients with their zones resolved: what a roster stores of each, and a forecast counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from json.encoder import encode_basestring as json_text
from operator import itemgetter
from typing import Any, NamedTuple

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.numbers.policy import NORTH_AMERICAN, refusal
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.place import UnknownPlace, address_codes, locality
from outdial.domain.rules.zone import LONGEST_ADDRESS_PART, UnknownZone, zone_evidence

_PREFIX = 4
"""Digits that hold any country code: the phone library keeps what it compiled for a country only
until a few hundred other patterns have come, so countries are looked at one after another."""
_FACTS = ',"facts":'
"""No value within the JSON text can hold it: a quote in a value has a backslash before it."""
_MOST_KEPT = 20_000
"""Locations that are remembered, of about a kilobyte each."""


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


class Location(NamedTuple):
    """Where a recipient is, or why that can't be told or the recipient can't be called."""

    zones: str | None
    """The ZoneEvidence as JSON text; None when the recipient is refused."""
    kind: RecipientKind | str
    """Without its consent; the reason for one that is refused."""
    code: str | None = None
    """Of the error, where its address or its zone is unknown."""


class Locator:
    """Resolves the time zones of recipients. It remembers what it resolved: of a roster, most
    share the area code and the state with many others."""

    def __init__(self, default_zone: str | None) -> None:
        self._default_zone = default_zone
        self._locations: dict[tuple[str | None, ...], Location] = {}
        self._alike: dict[tuple[object, ...], Location] = {}
        """By what they depend on, but for the facts that their texts end with, and without them."""

    def locate(
        self,
        e164: str,
        *,
        own: str | None,
        state: str | None,
        postal_code: str | None,
        others: tuple[str, ...] = (),
    ) -> Location:
        """The location of a person with these numbers and this address."""
        if others:
            return self._resolved(e164, own, state, postal_code, others)
        if _long(state) or _long(postal_code):  # to remember it would take much memory
            return self._located(e164, own, state, postal_code)
        key = (locality(e164), own, state, postal_code)
        location = self._locations.get(key)
        if location is None:
            location = self._located(e164, own, state, postal_code)
            _remember(self._locations, key, location)
        return location

    def _located(
        self, e164: str, own: str | None, state: str | None, postal_code: str | None
    ) -> Location:
        state, postal_code = state and state.strip(), postal_code and postal_code.strip()
        if _long(state) or _long(postal_code):
            return self._resolved(e164, own, state, postal_code)
        try:
            codes = address_codes(state, postal_code, e164.startswith(NORTH_AMERICAN))
        except UnknownPlace as error:
            return Location(None, str(error), error.code)
        key = (locality(e164), own, codes)
        alike = self._alike.get(key)
        if alike is None:
            alike = self._resolved(e164, own, state, postal_code)
            if alike.zones is not None:
                alike = alike._replace(zones=alike.zones[: alike.zones.rindex(_FACTS)])
            _remember(self._alike, key, alike)
        zones, kind, _ = alike
        if zones is None:
            return alike
        facts = _facts(own, state, postal_code, self._default_zone)
        return Location(f"{zones}{_FACTS}{facts}}}", kind)

    def _resolved(
        self,
        e164: str,
        own: str | None,
        state: str | None,
        postal_code: str | None,
        others: tuple[str, ...] = (),
    ) -> Location:
        try:
            evidence = zone_evidence(
                e164,
                own=own,
                campaign_default=self._default_zone,
                state=state,
                postal_code=postal_code,
                others=others,
            )
        except (UnknownZone, UnknownPlace) as error:
            return Location(None, str(error), error.code)
        refused = refusal(evidence.destinations)
        if refused is not None:
            return Location(None, refused)
        kind = RecipientKind(
            evidence.candidates, evidence.jurisdictions, evidence.destinations, None
        )
        return Location(evidence.model_dump_json(exclude_none=True), kind)


def locate(
    drafts: Iterable[RecipientDraft], default_zone: str | None
) -> list[tuple[LocatedDraft, RecipientKind | str]]:
    """Drafts with their time zones, in their order; each with its kind, or why it is refused."""
    locator = Locator(default_zone)
    by_country = sorted(enumerate(drafts), key=lambda at: at[1].phone[:_PREFIX])
    located = [(at, _located(draft, locator)) for at, draft in by_country]
    return [each for _, each in sorted(located, key=itemgetter(0))]


def _located(draft: RecipientDraft, locator: Locator) -> tuple[LocatedDraft, RecipientKind | str]:
    location = locator.locate(
        draft.phone,
        own=draft.time_zone,
        state=draft.state,
        postal_code=draft.postal_code,
        others=draft.alternate_phones,
    )
    located = LocatedDraft(
        position=draft.position,
        phone=draft.phone,
        alternate_phones=draft.alternate_phones,
        zones=location.zones,
        refusal=None if location.zones is not None else str(location.kind),
        consent=None if draft.consent is None else draft.consent.model_dump_json(),
        variables=draft.variables,
        appointment_at=draft.appointment_at,
        appointment_uid=draft.appointment_uid,
        appointment_title=draft.appointment_title,
    )
    return located, kind_of(location, draft.consent)


def kind_of(location: Location, consent: Consent | None) -> RecipientKind | str:
    """The kind of a recipient with this consent, or why it is refused."""
    kind = location.kind
    if consent is None or isinstance(kind, str):
        return kind
    return kind._replace(consent=consent.model_copy(update={"proof": consent.proof and "given"}))


def _long(part: str | None) -> bool:
    return part is not None and len(part) > LONGEST_ADDRESS_PART


def _facts(
    own: str | None, state: str | None, postal_code: str | None, default_zone: str | None
) -> str:
    """ZoneFacts as JSON text."""
    given = []
    if own:
        given.append(f'"own":{json_text(own)}')
    if state:
        given.append(f'"state":{json_text(state)}')
    if postal_code:
        given.append(f'"postal_code":{json_text(postal_code)}')
    if default_zone:
        given.append(f'"campaign_default":{json_text(default_zone)}')
    return f"{{{','.join(given)}}}"


def _remember(kept: dict[Any, Location], key: object, location: Location) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = location
