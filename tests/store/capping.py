"""One process among several that call the same numbers for two campaigns, again and again."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from outdial.domain.call.claim import Claim
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus
from outdial.store.call import settlement
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database

TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True)
class Orders:
    url: str
    campaign_ids: tuple[int, ...]
    start: datetime
    seed: int


@dataclass(frozen=True)
class Talk:
    """A call from its claim to its end, by a clock that all processes of a machine share."""

    number: str
    begun: float
    ended: float


def work(orders: Orders) -> list[Talk]:
    """Claim, dial and end, with minutes passing in between, until both campaigns say that
    nobody may be called before the next day."""
    database, chance = Database(orders.url), random.Random(orders.seed)
    now, resting = orders.start, set[int]()
    talks: list[Talk] = []
    try:
        while resting != set(orders.campaign_ids):
            campaign_id = chance.choice(orders.campaign_ids)
            claim = _claim(database, campaign_id, now, chance.randint(5, 40))
            begun = time.monotonic()
            for claimed in claim.calls:
                talks += _call(database, claimed.call_id, now, begun)
            if _until_tomorrow(claim, orders):
                resting.add(campaign_id)
            else:
                resting.clear()
                now = _later(claim, now, chance)
        return talks
    finally:
        database.dispose()


def _later(claim: Claim, now: datetime, chance: random.Random) -> datetime:
    """Minutes pass with calls; without any, another process may be ahead in time."""
    if claim.calls or claim.wake_at is None:
        return now + timedelta(seconds=chance.uniform(1, 120))
    return max(now, claim.wake_at)


def _until_tomorrow(claim: Claim, orders: Orders) -> bool:
    day_later = orders.start + timedelta(hours=24)
    return not claim.calls and claim.wake_at is not None and claim.wake_at >= day_later


def _claim(database: Database, campaign_id: int, now: datetime, limit: int) -> Claim:
    key = uuid.uuid4().hex
    return database.write_sync(
        lambda s: claim_calls(s, campaign_id, key, now=now, limit=limit).claim
    )


def _call(database: Database, call_id: str, now: datetime, begun: float) -> list[Talk]:
    _, request = database.write_sync(
        lambda s: raise_fence(s, call_id, now=now, placement_timeout=TIMEOUT)
    )
    went = request is not None
    end = CallEnd(status=CallStatus.NO_ANSWER, at=now, may_have_rung=went)
    ended = time.monotonic()
    database.write_sync(lambda s: settlement.end_call(s, call_id, end, now=now))
    return [Talk(request.to, begun, ended)] if request is not None else []
