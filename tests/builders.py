"""Values for tests, complete and plain; each test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session

from outdial.domain.call.claim import CampaignState, Claim, ClaimedCall, FencePass
from outdial.domain.call.event import CallEnd, CallEvent
from outdial.domain.call.placing import PlaceRequest
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.money.price import LinePrice
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord, Settled
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.zone import ZoneEvidence, ZoneSource, zone_data
from outdial.store.call import events, settlement
from outdial.store.campaign import campaigns
from outdial.store.campaign.open_campaigns import OpenCampaign, list_open_campaigns
from outdial.store.campaign.states import set_campaign_state
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database
from outdial.store.lines import lines
from outdial.store.lines.lines import LineLimits
from outdial.store.roster import roster

T = TypeVar("T")

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
"""A Wednesday; 10:00 in New York."""
ZONE = "America/New_York"
LINE = "simulated"
TIMEOUT = timedelta(seconds=10)


def phone(number: int) -> str:
    """The n-th of a row of valid numbers in New York."""
    return f"+1212{5550000 + number:07}"


def definition(name: str = "reminder", **changes: Any) -> CampaignDefinition:
    """A campaign that may call at any hour; `changes` are keys of a definition."""
    values: dict[str, Any] = {
        "name": name,
        "purpose": "informational",
        "line": LINE,
        "agent": "agent-1",
        "recipients": (),
        "schedule": {"hours": "00:00-24:00"},
    }
    return CampaignDefinition.model_validate(values | changes)


def draft(position: int = 0, **changes: Any) -> RecipientDraft:
    values: dict[str, Any] = {"position": position, "phone": phone(position)}
    return RecipientDraft.model_validate(values | changes)


def drafts(count: int, first: int = 0) -> list[RecipientDraft]:
    return [draft(position) for position in range(first, first + count)]


def zones(*names: str) -> ZoneEvidence:
    """Evidence of today's data, so that nothing is told anew."""
    return ZoneEvidence(
        candidates=names or (ZONE,), source=ZoneSource.OWN, data_version=zone_data()
    )


def located(of: Sequence[RecipientDraft], *zone_names: str) -> list[LocatedDraft]:
    return [located_as(draft, zones(*zone_names)) for draft in of]


def located_as(draft: RecipientDraft, where: ZoneEvidence | str) -> LocatedDraft:
    """A draft with these zones, or refused with this reason."""
    return LocatedDraft(
        position=draft.position,
        phone=draft.phone,
        alternate_phones=draft.alternate_phones,
        zones=None if isinstance(where, str) else where.model_dump_json(exclude_none=True),
        refusal=where if isinstance(where, str) else None,
        consent=None if draft.consent is None else draft.consent.model_dump_json(),
        variables=draft.variables,
        appointment_at=draft.appointment_at,
        appointment_uid=draft.appointment_uid,
        appointment_title=draft.appointment_title,
    )


def request(number: int = 0, **changes: Any) -> CallRequest:
    values: dict[str, Any] = {
        "to": phone(number),
        "agent": Agent(id="agent-2"),
        "line": LINE,
        "schedule": {"hours": "00:00-24:00"},
    }
    return CallRequest.model_validate(values | changes)


def ended(status: CallStatus = CallStatus.COMPLETED, **changes: Any) -> CallEnd:
    return CallEnd.model_validate({"status": status, "at": NOW} | changes)


def event(event_id: str = "e1", **changes: Any) -> CallEvent:
    return CallEvent.model_validate({"event_id": event_id, "at": NOW} | changes)


class House:
    """A database with a line, and the steps of a campaign in one word each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self._claims = 0

    def line(
        self,
        name: str = LINE,
        *,
        most: int = 100,
        per_second: float = 1000,
        breaker: BreakerPolicy | None = None,
        price: LinePrice | None = None,
    ) -> None:
        limits = LineLimits(
            name=name,
            provider="simulated",
            max_concurrent=most,
            per_second=per_second,
            breaker=breaker or BreakerPolicy(),
            price=price,
        )
        self.write(lambda s: lines.ensure_lines(s, DEFAULT_TENANT, [limits]))

    def launch(
        self, people: int = 1, name: str = "reminder", *, first: int = 0, **changes: Any
    ) -> CampaignRecord:
        """A campaign with enrolled recipients, of the numbers `phone(first)` and on."""
        campaign = definition(name, **changes)
        rows = located(
            [draft(i).model_copy(update={"phone": phone(first + i)}) for i in range(people)]
        )
        launched = self.write(
            lambda s: campaigns.launch_campaign(
                s, DEFAULT_TENANT, campaign, "", now=self.now, again=True
            )
        )
        record = launched.record
        self.write(lambda s: roster.enroll_chunk(s, record.id, record.launch, 0, rows))
        self.write(lambda s: roster.mark_enrolled(s, record.id, record.launch))
        return record

    def open_campaigns(self) -> list[OpenCampaign]:
        """As the sweep reads them."""
        return self.write(lambda s: list_open_campaigns(s, calling_since=self.now, limit=1000))

    def claim(self, campaign: CampaignRecord, key: str | None = None, limit: int = 200) -> Claim:
        self._claims += 1
        used = key or f"claim-{self._claims}"
        return self.write(
            lambda s: claim_calls(s, campaign.id, used, now=self.now, limit=limit).claim
        )

    def claim_one(self, campaign: CampaignRecord) -> ClaimedCall:
        (call,) = self.claim(campaign, limit=1).calls
        return call

    def fence(self, call_id: str) -> FencePass:
        return self._raise_fence(call_id)[0]

    def request_of(self, call_id: str) -> PlaceRequest:
        """Raise the fence; the request that is to be sent."""
        passed, request = self._raise_fence(call_id)
        assert request is not None, passed
        return request

    def _raise_fence(self, call_id: str) -> tuple[FencePass, PlaceRequest | None]:
        return self.write(
            lambda s: raise_fence(s, call_id, now=self.now, placement_timeout=TIMEOUT)
        )

    def place(self, call_id: str, provider_call_id: str | None = None) -> list[CallEvent]:
        self.fence(call_id)
        known_as = provider_call_id or f"p-{call_id}"
        return self.write(lambda s: events.record_placed(s, call_id, known_as, now=self.now))

    def end(
        self, call_id: str, status: CallStatus = CallStatus.COMPLETED, **changes: Any
    ) -> Settled:
        how = ended(status, **({"at": self.now} | changes))
        return self.write(lambda s: settlement.end_call(s, call_id, how, now=self.now))

    def set_state(self, campaign: CampaignRecord, state: CampaignState) -> CampaignRecord:
        return self.write(lambda s: set_campaign_state(s, campaign.id, state, now=self.now))

    def later(self, **step: float) -> None:
        self.now += timedelta(**step)

    def write(self, work: Callable[[Session], T]) -> T:
        return self.database.write_sync(work)
