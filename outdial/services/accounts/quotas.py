"""How many calls a key may ask for in a day: single calls, and people of campaigns.

Counted in the transaction that stores the calls, so what is refused or rolled back uses up
nothing. Requests without a key, such as those of the command line, have no quota.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from outdial.domain.access import ApiKey, Limit, quota_of
from outdial.resources.resources import Resources
from outdial.services.errors import QuotaUsedUp
from outdial.store.access import rates

DAY = timedelta(days=1)


def quotas_of(ctx: Resources, key: ApiKey) -> tuple[Limit, ...]:
    """The key's own quota, else the installation's, and that of its tenant: keys that a key
    makes give it no more calls than that."""
    own = quota_of(key, usual=ctx.calls_per_key)
    return (
        Limit(name=f"calls/key/{key.id}", allowed=own, within=DAY),
        Limit(name=f"calls/tenant/{key.tenant}", allowed=ctx.calls_per_tenant, within=DAY),
    )


def spend(s: Session, ctx: Resources, calls: int, now: datetime) -> None:
    """Use up quotas. Raises QuotaUsedUp, whereupon the transaction must not be committed.

    Called after everything else that the transaction locks, such as a campaign: two that wait for
    each other's locks would fail, and all that a tenant sends waits for its quota.
    """
    if not calls:
        return
    for usage in rates.count_requests(s, ctx.quotas, now=now, amount=calls):
        if usage.exceeded:
            raise QuotaUsedUp(usage, calls, now)
