"""One process among several that claim, dial and end calls of the same campaigns."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.claim import FencePass, FenceVerdict
from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus
from outdial.store.call import settlement
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database
from outdial.store.db.tables import lease


@dataclass(frozen=True)
class Orders:
    url: str
    campaign_ids: tuple[int, ...]
    start: datetime
    seed: int
    rounds: int = 400


@dataclass
class Record:
    """What a process did."""

    claimed: list[str] = field(default_factory=list)
    dialed: int = 0
    left: int = 0
    """Recipients still open in the last claim of each campaign."""
    most_on_line: int = 0
    most_of_campaign: int = 0

    def note(self, line: int, campaign: int) -> None:
        self.most_on_line = max(self.most_on_line, line)
        self.most_of_campaign = max(self.most_of_campaign, campaign)


def work(orders: Orders) -> Record:
    """Claim, dial and end until nobody is left; every claim with a key of its own."""
    database = Database(orders.url)
    try:
        return _Process(database, orders).run()
    finally:
        database.dispose()


class _Process:
    def __init__(self, database: Database, orders: Orders) -> None:
        self._database = database
        self._orders = orders
        self._random = random.Random(orders.seed)
        self._now = orders.start
        self._live: list[str] = []
        self._record = Record()

    def run(self) -> Record:
        open_recipients = dict.fromkeys(self._orders.campaign_ids, 1)
        for _ in range(self._orders.rounds):
            self._now += timedelta(seconds=self._random.uniform(0.5, 2))
            campaign_id = self._random.choice(self._orders.campaign_ids)
            open_recipients[campaign_id] = self._claim(campaign_id)
            self._record.note(*self._database.read_sync(_leases))
            while self._live and self._random.random() < 0.7:
                self._end(self._live.pop(self._random.randrange(len(self._live))))
            if not any(open_recipients.values()):
                break
        self._record.left = sum(open_recipients.values())
        return self._record

    def _claim(self, campaign_id: int) -> int:
        key, now, limit = uuid.uuid4().hex, self._now, self._random.randint(1, 6)
        claim = self._database.write_sync(
            lambda s: claim_calls(s, campaign_id, key, now=now, limit=limit).claim
        )
        ids = [claimed.call_id for claimed in claim.calls]
        self._record.claimed += ids
        self._live += ids
        return claim.open_recipients

    def _end(self, call_id: str) -> None:
        passed = self._fence(call_id)
        while passed.retry_at is not None:  # another process's clock is ahead
            self._now = passed.retry_at
            passed = self._fence(call_id)
        self._record.dialed += passed.verdict is FenceVerdict.GO
        end = CallEnd(status=CallStatus.COMPLETED, at=self._now)
        self._database.write_sync(lambda s: settlement.end_call(s, call_id, end, now=end.at))

    def _fence(self, call_id: str) -> FencePass:
        now, timeout = self._now, timedelta(seconds=10)
        passed, _ = self._database.write_sync(
            lambda s: raise_fence(s, call_id, now=now, placement_timeout=timeout)
        )
        return passed


def _leases(s: Session) -> tuple[int, int]:
    """The leases on all lines together, and of the campaign that has the most."""
    counted = s.connection().execute(
        select(lease.c.campaign_id, func.count()).group_by(lease.c.campaign_id)
    )
    by_campaign = [count for _, count in counted]
    return sum(by_campaign), max(by_campaign, default=0)
