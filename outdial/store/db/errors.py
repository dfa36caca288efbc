"""What the store refuses, and why.

StoreError
├── DatabaseUnavailable     the database cannot be reached or is too busy; try again later
├── StatementRefused        a value broke a rule of the database: a mistake of ours
├── UnknownCampaign         no campaign has this id
├── UnknownAppointment      no appointment has this id
├── UnknownCall             no call has this id
├── ReservedName            the name belongs to the direct campaign
├── CampaignRunning         it is launched already and not over
├── CampaignEnded           it is over (or stopping), and `again` was not set
├── PurposeChanged          one name, one purpose
├── StagingEnded            a launch or addition can be written to no more
├── NameChanged             a revision is for a campaign of another name
├── RevisionChanged         another revision was applied first
├── ProposalGone            a proposed revision is not stored any more
├── CanaryRunning           a revision is being tried on some recipients
├── CanaryTooSmall          too few recipients are left to try one on some
└── IllegalTransition       the campaign cannot go from its state to the wanted one
"""

from __future__ import annotations

import math

from outdial.domain.call.claim import CampaignState
from outdial.domain.canary.arms import FEWEST_PEOPLE, smallest_share
from outdial.domain.definition.purpose import Purpose
from outdial.domain.errors import OutdialError
from outdial.domain.record import CampaignRecord


class StoreError(OutdialError):
    """The store refused; nothing was changed."""

    code = "store_error"


class DatabaseUnavailable(StoreError):
    """The database cannot be reached, or is too busy to answer in time."""

    code = "database_unavailable"

    def __init__(self, text: str, *, rows_locked: bool = False) -> None:
        super().__init__(text)
        self.rows_locked = rows_locked
        """Others kept locked what this work wanted; different work may succeed at once."""


class StatementRefused(StoreError):
    """The database refused a statement. Says which, without the values: they are personal data."""

    code = "statement_refused"

    def __init__(self, kind: str, rule: str | None, statement: str | None) -> None:
        super().__init__(f"{kind}{f' of {rule}' if rule else ''} in: {statement}")
        self.kind = kind
        self.rule = rule
        """The constraint's name, where the database names it."""


class UnknownCampaign(StoreError):
    code = "unknown_campaign"

    def __init__(self, campaign_id: int) -> None:
        super().__init__(f"found no campaign with id {campaign_id}")
        self.campaign_id = campaign_id


class UnknownAppointment(StoreError):
    code = "unknown_appointment"

    def __init__(self, appointment_id: str) -> None:
        super().__init__(f"found no appointment with id {appointment_id}")
        self.appointment_id = appointment_id


class UnknownCall(StoreError):
    code = "unknown_call"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"found no call with id {call_id}")
        self.call_id = call_id


class ReservedName(StoreError):
    code = "reserved_name"

    def __init__(self, name: str) -> None:
        super().__init__(f"found the name {name!r}, which is reserved; choose another")
        self.name = name


class CampaignRunning(StoreError):
    code = "campaign_running"

    def __init__(self, record: CampaignRecord) -> None:
        super().__init__(
            f"campaign {record.name} is {record.state}; stop it or let it finish first"
        )
        self.record = record


class CampaignEnded(StoreError):
    code = "campaign_ended"

    def __init__(self, record: CampaignRecord) -> None:
        super().__init__(f"campaign {record.name} is {record.state}; launch it again")
        self.record = record


class PurposeChanged(StoreError):
    code = "purpose_changed"

    def __init__(self, record: CampaignRecord, purpose: Purpose) -> None:
        super().__init__(
            f"found purpose {purpose}, but campaign {record.name} is {record.purpose}; "
            "give the new purpose a new name"
        )
        self.record = record
        self.purpose = purpose


class StagingEnded(StoreError):
    code = "staging_ended"

    def __init__(self, campaign: str, reason: str) -> None:
        super().__init__(f"no more recipients of {campaign} are written: {reason}")


class NameChanged(StoreError):
    code = "name_changed"

    def __init__(self, record: CampaignRecord, name: str) -> None:
        super().__init__(f"found a definition of {name}; this campaign is {record.name}")
        self.record = record
        self.name = name


class RevisionChanged(StoreError):
    """A revision is made from one, and applies to no other."""

    code = "revision_changed"

    def __init__(self, record: CampaignRecord, expected: int) -> None:
        super().__init__(
            f"campaign {record.name} is at revision {record.revision}, and the change was made "
            f"from revision {expected}; look at what differs now, and apply it again"
        )
        self.record = record
        self.expected = expected


class ProposalGone(StoreError):
    code = "proposal_gone"

    def __init__(self) -> None:
        super().__init__("the proposed revision is not stored any more; apply it again")


class CanaryRunning(StoreError):
    """Nothing but the definitions of its arms can be applied meanwhile."""

    code = "canary_running"

    def __init__(self, record: CampaignRecord, revision: int) -> None:
        super().__init__(
            f"revision {revision} of {record.name} is being tried on some of its recipients; roll "
            "it back, apply its own file to promote it, or wait until that is decided"
        )
        self.record = record


class CanaryTooSmall(StoreError):
    code = "canary_too_small"

    def __init__(self, record: CampaignRecord, people: int, share: float) -> None:
        smallest = smallest_share(people)
        instead = (
            f"write {math.ceil(smallest * 100)}% or more"
            if smallest is not None
            else "apply it to all of them"
        )
        super().__init__(
            f"found {share * 100:g}% of {people} recipients who are to be called; "
            f"a canary needs {FEWEST_PEOPLE}: {instead}"
        )
        self.record = record


class IllegalTransition(StoreError):
    code = "illegal_transition"

    def __init__(self, record: CampaignRecord, state: CampaignState) -> None:
        super().__init__(f"campaign {record.name} is {record.state}; it cannot become {state}")
        self.record = record
        self.state = state
