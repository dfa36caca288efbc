"""Enrolls the recipient of a call in another campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.callbacks import Callback
from outdial.domain.definition.matching import value_at
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.call.locked_call import LockedCall
from outdial.store.campaign.campaigns import find_campaign, lock_campaign
from outdial.store.db.dialect import lock_rows
from outdial.store.db.tables import EPOCH, recipient, roster

LONGEST_VALUE = 4096


@dataclass(frozen=True, slots=True)
class Enrolment:
    note: str
    workflow_id: str | None = None
    """The campaign's, to be signalled; None when nobody was enrolled."""


def enroll_person(
    s: Session, locked: LockedCall, callback: Callback, data: Mapping[str, Any]
) -> Enrolment:
    """Enroll the number, unless it is on the roster already."""
    name = callback.campaign or ""
    target = find_campaign(s, locked.call.tenant, name)
    if target is None:
        return Enrolment(f"there is no campaign {name!r}")
    target = lock_campaign(s, target.id)
    if target.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
        return Enrolment(f"campaign {name} is {target.state}")
    position = _take_position(s, target)
    if _is_listed(s, target, locked.call.phone):
        return Enrolment(f"the number is on the roster of {name} already")
    s.connection().execute(
        insert(recipient).values(_recipient(s, locked, target, position, callback, data))
    )
    return Enrolment(f"enrolled in {name}", campaign_workflow_id(target.tenant, target.name))


def _take_position(s: Session, target: CampaignRecord) -> int:
    """With the roster locked, so that of two with one number the second sees the first."""
    here = (roster.c.campaign_id == target.id, roster.c.launch == target.launch)
    query = lock_rows(select(roster.c.next_position).where(*here), exclusive=[roster])
    position = int(s.connection().execute(query).scalar_one())
    s.connection().execute(update(roster).where(*here).values(next_position=position + 1))
    return position


def _is_listed(s: Session, target: CampaignRecord, phone: str) -> bool:
    query = select(recipient.c.id).where(
        recipient.c.campaign_id == target.id,
        recipient.c.launch == target.launch,
        recipient.c.phone == phone,
    )
    return s.connection().execute(query.limit(1)).first() is not None


def _recipient(
    s: Session,
    locked: LockedCall,
    target: CampaignRecord,
    position: int,
    callback: Callback,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    query = select(recipient.c.variables).where(recipient.c.id == locked.call.recipient_id)
    variables: dict[str, str] = dict(s.connection().execute(query).scalar_one())
    for name, path in callback.variables.items():
        value = value_at(data, path)
        if isinstance(value, str | int | float):
            variables[name] = str(value)[:LONGEST_VALUE]
    return {
        "campaign_id": target.id,
        "launch": target.launch,
        "position": position,
        "phone": locked.call.phone,
        "alternate_phones": list(locked.recipient.alternate_phones),
        "zones": locked.recipient.zones,
        "consent": locked.recipient.consent,
        "variables": variables,
        "line": target.plan.line,
        "state": RecipientState.WAITING.value,
        "attempts": 0,
        "calls": 0,
        "due_at": EPOCH,
        "turn": 1,
        "withdrawn": False,
    }
