"""One process among several that call the same numbers for two campaigns, again and again."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.call import CallStatus
from domain.claim import FenceVerdict
from domain.record import CallEnd
from store import calls
from store.claims.fence import raise_fence
from store.claims.reservation import claim_calls
from store.database import Database

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
    """Claim, dial and end, with hours passing in between, until nobody may be called any more."""
    database, chance = Database(orders.url), random.Random(orders.seed)
    now, idle = orders.start, 0
    talks: list[Talk] = []
    try:
        while idle < 8 and now < orders.start + timedelta(hours=20):
            now += timedelta(minutes=chance.uniform(1, 10))
            ids = _claim(database, chance.choice(orders.campaign_ids), now, chance.randint(5, 40))
            begun = time.monotonic()
            idle = 0 if ids else idle + 1
            for call_id in ids:
                talks += _call(database, call_id, now, begun)
        return talks
    finally:
        database.dispose()


def _claim(database: Database, campaign_id: int, now: datetime, limit: int) -> list[str]:
    key = uuid.uuid4().hex
    claim = database.write_sync(lambda s: claim_calls(s, campaign_id, key, now=now, limit=limit))
    return [claimed.call_id for claimed in claim.calls]


def _call(database: Database, call_id: str, now: datetime, begun: float) -> list[Talk]:
    passed = database.write_sync(
        lambda s: raise_fence(s, call_id, now=now, placement_timeout=TIMEOUT)
    )
    went = passed.verdict is FenceVerdict.GO
    end = CallEnd(status=CallStatus.NO_ANSWER, at=now, may_have_rung=went)
    ended = time.monotonic()
    database.write_sync(lambda s: calls.end_call(s, call_id, end, now=now))
    return [Talk(passed.dialing.to, begun, ended)] if passed.dialing is not None else []
