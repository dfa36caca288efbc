"""The slot of a call that was given up as never placed, and reported all the same.

Its status stays, for what has ended has ended. But its number is busy and its line has it, so it
holds a slot again until a report tells its end, or the sweeper finds it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from outdial.domain.call.lease import lease_duration
from outdial.domain.numbers.phone import siblings
from outdial.store.call.locked_call import LockedCall
from outdial.store.call.settlement import withdraw_call
from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import lease

_HOLDER = select(lease.c.call_id).where(
    lease.c.tenant == bindparam("of_tenant"),
    lease.c.phone.in_(bindparam("numbers", expanding=True)),
)
_FREE = delete(lease).where(lease.c.call_id == bindparam("of_call"))


def free_slot(s: Session, locked: LockedCall) -> None:
    """The call is over, by a report of its provider."""
    s.connection().execute(_FREE, {"of_call": locked.id})


def hold_number_again(
    s: Session, locked: LockedCall, others: Sequence[LockedCall], now: datetime
) -> None:
    """Take a slot for the call again, in place of one that was claimed and has not left.

    The number is locked, and who holds it is among `others` if it can be withdrawn
    (`store.call.rivals`). A second call that has left already cannot be called back: both ring.
    """
    tenant, phone = locked.call.tenant, locked.call.phone
    of_number = {"of_tenant": tenant, "numbers": list(siblings(phone))}
    holder = s.connection().execute(_HOLDER, of_number).scalars().first()
    if holder is not None:
        claimed = next((other for other in others if other.id == holder), None)
        if holder == locked.id or claimed is None or not withdraw_call(s, claimed, now):
            return
    s.connection().execute(
        insert_into(s, lease)
        .values(
            call_id=locked.id,
            campaign_id=locked.call.campaign_id,
            tenant=tenant,
            line=locked.call.line,
            phone=phone,
            acquired_at=now,
            expires_at=now + lease_duration(locked.call),
        )
        .on_conflict_do_nothing()
    )
