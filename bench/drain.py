"""Start the engine on requested calls, and count what becomes of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import func, select

from bench.people import configure
from outdial.domain.record import RecipientState
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.embedded import EmbeddedStack
from outdial.store.db.database import Database
from outdial.store.db.tables import call, recipient

IN_FLIGHT = 150
NO_PROGRESS = 120.0
"""Seconds without another end, after which it is given up."""


@dataclass(frozen=True)
class Drained:
    accepted: int
    ended: int
    calls: int
    """Rows of calls; people who answer need one each."""
    creates: Counter[int]
    """Requests to the network for each call: how many calls had how many."""
    people: Counter[int]
    """Requests to the network for each person: how many people had how many."""
    unsent: Counter[str]
    """Rows of calls without a request to the network, by reason."""
    seconds: float

    def __str__(self) -> str:
        return (
            f"drained {self.ended} of {self.accepted} in {self.seconds:.0f} s, "
            f"{self.ended / self.seconds:.1f} a second; rows of calls: {self.calls}; "
            f"requests to the network for each call: {dict(self.creates)}, "
            f"for each person: {dict(self.people)}; without a request: {dict(self.unsent)}"
        )


async def drain(database: Database, url: str, folder: Path, accepted: int) -> Drained:
    """Run the engine on the records until every recipient has an outcome, or nothing changes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OUTDIAL_")}
    environ = kept | {
        "OUTDIAL_STATE_DIR": str(folder / "state"),
        "OUTDIAL_DATABASE_URL": url,
        "OUTDIAL_UPSERT_STATUS": "false",
        "OUTDIAL_SIMULATED__TIME_SCALE": "1",
        "OUTDIAL_LINES__SIMULATED__MAX_CONCURRENT": str(IN_FLIGHT),
        "OUTDIAL_LINES__SIMULATED__PER_SECOND": "1000",
        "OUTDIAL_LOG_LEVEL": "WARNING",
    }
    async with EmbeddedStack(load_settings(environ), environ) as stack:
        network = stack.state.endpoints.network
        await configure(network)
        begun = time.monotonic()
        ended = await _until_all_ended(database, accepted)
        seconds = time.monotonic() - begun
        async with httpx.AsyncClient(base_url=network, timeout=60, trust_env=False) as http:
            creates = (await http.get("/sim/creates")).raise_for_status().json()
    columns = (call.c.id, call.c.recipient_id, call.c.failure, call.c.detail)
    rows = await database.read(lambda s: s.connection().execute(select(*columns)).all())
    requests = Counter[int]()
    for row in rows:
        requests[row.recipient_id] += creates.get(row.id, 0)
    unsent = Counter(f"{row.failure}: {row.detail}" for row in rows if row.id not in creates)
    times, people = Counter(creates.values()), Counter(requests.values())
    return Drained(accepted, ended, len(rows), times, people, unsent, seconds)


async def _until_all_ended(database: Database, accepted: int) -> int:
    ended_query = select(func.count(recipient.c.id)).where(
        recipient.c.state == RecipientState.DONE.value
    )
    ended, moved = 0, time.monotonic()
    while ended < accepted and time.monotonic() - moved < NO_PROGRESS:
        await asyncio.sleep(1)
        now = await database.read(lambda s: s.connection().execute(ended_query).scalar_one())
        if now > ended:
            ended, moved = now, time.monotonic()
    return ended
