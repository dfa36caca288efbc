"""Recipients of a definition as drafts, in which a test sees what was read of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import InlineRecipient
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.zone import ZoneEvidence, ZoneFacts
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import LoadedDefinition, with_recipients
from outdial.intake.problems import DefinitionInvalid


def read_roster(loaded: LoadedDefinition) -> Iterator[RecipientDraft]:
    """The recipients. Raises DefinitionInvalid at the first chunk with a problem."""
    for chunk in read_chunks(loaded):
        if chunk.problems:
            raise DefinitionInvalid(chunk.problems, chunk.omitted)
        yield from map(_draft, chunk.recipients)


def draft_recipients(
    definition: CampaignDefinition, recipients: Sequence[InlineRecipient]
) -> list[RecipientDraft]:
    """Recipients of a request. Raises DefinitionInvalid with every problem."""
    return list(read_roster(with_recipients(definition, tuple(recipients))))


def _draft(located: LocatedDraft) -> RecipientDraft:
    facts = ZoneFacts()
    if located.zones is not None:
        facts = ZoneEvidence.model_validate_json(located.zones).facts or facts
    return RecipientDraft(
        position=located.position,
        phone=located.phone,
        alternate_phones=located.alternate_phones,
        time_zone=facts.own,
        postal_code=facts.postal_code,
        state=facts.state,
        consent=Consent.model_validate_json(located.consent) if located.consent else None,
        appointment_at=located.appointment_at,
        appointment_uid=located.appointment_uid,
        appointment_title=located.appointment_title,
        variables=located.variables,
    )
