"""Call rows and their leases, as a claim writes and finds them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, select, update
from sqlmodel import Session

from outdial.contracts.names import call_workflow_id
from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.lease import lease_duration
from outdial.domain.call.status import CallStatus, Fence
from outdial.domain.decision.decision import Dial
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.claims.candidates import NOT_CALLED, Person
from outdial.store.db.bulk import NewRows, among, insert_all
from outdial.store.db.tables import call, lease, recipient

_OF_CLAIM = (
    select(call)
    .where(call.c.campaign_id == bindparam("campaign_id"), call.c.claim_key == bindparam("key"))
    .order_by(call.c.id)
)
_CALLED = (
    update(recipient)
    .where(among(recipient.c.id, "ids"), recipient.c.state.in_(NOT_CALLED))
    .values(state=RecipientState.CALLING.value, calls=recipient.c.calls + 1)
)
_SAME_IN_LEASES = frozenset({"campaign_id", "tenant", "acquired_at"})
_SAME_IN_CALLS = frozenset(
    {
        "tenant",
        "campaign_id",
        "campaign",
        "launch",
        "claim_key",
        "status",
        "fence",
        "is_attempt",
        "created_at",
        "structured",
    }
)


def claimed_before(s: Session, campaign_id: int, key: str) -> list[ClaimedCall]:
    """The calls that a claim with this key has claimed already."""
    found = s.connection().execute(_OF_CLAIM, {"campaign_id": campaign_id, "key": key})
    return [claimed_call(row) for row in found.mappings()]


def claimed_call(row: Mapping[str, Any] | RowMapping) -> ClaimedCall:
    return ClaimedCall(
        call_id=row["id"],
        workflow_id=row["workflow_id"],
        tenant=row["tenant"],
        campaign=row["campaign"],
        line=row["line"],
        masked=mask_phone(row["phone"]),
        attempt=row["attempt"],
        ring_timeout=timedelta(seconds=row["ring_seconds"]),
        max_duration=timedelta(seconds=row["max_seconds"]),
    )


def call_row(
    campaign: CampaignRecord,
    person: Person,
    dial: Dial,
    line: str,
    key: str,
    turn: int,
    now: datetime,
) -> dict[str, Any]:
    """A new call on a line. `turn` counts the campaign's calls and picks the caller id."""
    number, plan = person.calls + 1, person.plan
    shown = plan.caller_ids_on(line)
    return {
        "id": uuid.uuid4().hex,
        "tenant": campaign.tenant,
        "campaign_id": campaign.id,
        "campaign": campaign.name,
        "launch": campaign.launch,
        "recipient_id": person.id,
        "number": number,
        "attempt": person.candidate.attempts + 1,
        "workflow_id": call_workflow_id(
            campaign.tenant, campaign.name, campaign.launch, person.id, number
        ),
        "claim_key": key,
        "line": line,
        "phone": person.phone,
        "caller_id": shown[turn % len(shown)] if shown else None,
        "ring_seconds": plan.ring_timeout.total_seconds(),
        "max_seconds": plan.max_duration.total_seconds(),
        "status": CallStatus.QUEUED.value,
        "fence": Fence.CLAIMED.value,
        "is_attempt": False,
        "created_at": now,
        "structured": {},
        "evidence": _evidence(campaign, person, dial),
    }


def _evidence(campaign: CampaignRecord, person: Person, dial: Dial) -> dict[str, Any]:
    return {
        **dial.evidence,
        "zones": list(person.zones.candidates),
        "zone_source": person.zones.source.value,
        "zone_data": person.zones.data_version,
        "revision": campaign.revision,
    }


def lease_row(call_values: Mapping[str, Any], person: Person, now: datetime) -> dict[str, Any]:
    return {
        "call_id": call_values["id"],
        "campaign_id": call_values["campaign_id"],
        "tenant": call_values["tenant"],
        "line": call_values["line"],
        "phone": person.phone,
        "acquired_at": now,
        "expires_at": now + lease_duration(person.plan),
    }


def write_calls(
    s: Session, calls: Sequence[dict[str, Any]], leases: Sequence[dict[str, Any]]
) -> None:
    """Calls with their leases; their recipients are being called from here on."""
    if not calls:
        return
    new = [NewRows(call, calls, _SAME_IN_CALLS), NewRows(lease, leases, _SAME_IN_LEASES)]
    insert_all(s, new, _CALLED, {"ids": [row["recipient_id"] for row in calls]})
