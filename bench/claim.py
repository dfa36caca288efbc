"""Milliseconds for a claim of 100 calls, of a million people who are all due, on PostgreSQL.

Beside the time on the clock stands the processor time that this process and the database's took
for it: others on the machine lengthen the first, and hardly the second. The baseline of the same
run is the bare insert of 100 calls with their leases. Calls end between claims, outside the time
that is measured. A server of its own is started in a temporary folder.

    python -m bench.claim [--people 1000000] [--claims 1000]
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, delete, insert, make_url, select, text, update
from sqlmodel import Session

from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.zone import zone_evidence
from outdial.store.campaign import campaigns
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database
from outdial.store.db.tables import EPOCH, call, lease, recipient
from outdial.store.roster import roster
from tests.builders import LINE, NOW, House, definition
from tests.databases import migrated, postgresql_database, postgresql_server

AT_ONCE = 100
WARM = 10


def fill(database: Database, people: int) -> CampaignRecord:
    """A campaign with a daily limit and a cap, and every recipient due."""
    house = House(database)
    house.line(LINE, most=10_000, per_second=10_000)
    plan = definition(
        pacing={"max_concurrent": AT_ONCE},
        schedule={"hours": "00:00-24:00"},
        caps=[{"calls": 3, "within": "24h"}],
        retry={"max_attempts_per_day": 2},
    )
    launched = database.write_sync(
        lambda s: campaigns.launch_campaign(s, "default", plan, "", now=NOW, again=False)
    )
    record = launched.record
    zones = zone_evidence("+12125550000").model_dump_json(exclude_none=True)
    columns = "campaign_id, launch, position, phone, alternate_phones, zones, variables, line, "
    columns += "state, attempts, calls, due_at, turn, withdrawn"
    values = (
        "SELECT :campaign, 1, n, '+1212' || lpad(n::text, 7, '0'), '[]', :zones, '{}', :line, "
        ":state, 0, 0, :due, 1, false FROM generate_series(0, :people - 1) AS n"
    )
    filled = text(f"INSERT INTO recipient ({columns}) {values}")

    def work(s: Session) -> None:
        bound = {"campaign": record.id, "zones": zones, "line": LINE, "people": people}
        state = RecipientState.WAITING.value
        s.connection().execute(filled, bound | {"state": state, "due": EPOCH})
        roster.mark_enrolled(s, record.id, 1)

    database.write_sync(work)
    return record


def settle_down(database: URL) -> None:
    """What a database does in its own time once it was given a million rows."""
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def end_all(s: Session) -> None:
    """What 100 ends would leave, in three statements."""
    called = list(s.connection().execute(select(lease.c.call_id)).scalars())
    of_them = select(call.c.recipient_id).where(call.c.id.in_(called))
    s.connection().execute(delete(lease))
    s.connection().execute(
        update(recipient).where(recipient.c.id.in_(of_them)).values(state="done", attempts=1)
    )
    ended = {"status": CallStatus.COMPLETED.value, "is_attempt": True, "outcome": "completed"}
    s.connection().execute(
        update(call).where(call.c.id.in_(called)).values(ended | {"ended_at": NOW})
    )


@dataclass(frozen=True)
class Took:
    """Milliseconds."""

    clock: float
    processor: float


def as_in_production(database: URL) -> None:
    """Each commit waits for the disk, as databases do by default; those of tests don't.

    And a thousand claims are made here in the time of a few, so the database's own cleaning, once
    a minute by default, would come too late by as much.
    """
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(f'ALTER DATABASE "{database.database}" SET synchronous_commit = on')
        )
        connection.execute(text("ALTER SYSTEM SET autovacuum_naptime = '1s'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def processor_time(backend: int) -> float:
    """Milliseconds of processor time of this process and of one of the database's."""
    fields = Path(f"/proc/{backend}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() * 1000 + ticks * 1000 / os.sysconf("SC_CLK_TCK")


def claims(database: Database, campaign: CampaignRecord, count: int) -> list[Took]:
    took, now = [], NOW
    backend = database.write_sync(
        lambda s: s.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
    )
    for at in range(count):
        now += timedelta(seconds=1)
        used, begun = processor_time(backend), time.perf_counter()
        claim = database.write_sync(
            lambda s, at=at, now=now: claim_calls(s, campaign.id, f"b/{at}", now=now).claim  # type: ignore[misc]
        )
        clock = (time.perf_counter() - begun) * 1000
        took.append(Took(clock, processor_time(backend) - used))
        assert len(claim.calls) == AT_ONCE, claim
        database.write_sync(end_all)
    return took


def bare_inserts(database: Database) -> float:
    """Milliseconds for 100 calls and leases alone, taken back afterwards."""
    sample = database.read_sync(
        lambda s: [dict(row) for row in s.connection().execute(call.select().limit(100)).mappings()]
    )
    took = []
    for again in range(20):
        rows = [
            row | {"id": f"x{again}-{at}", "number": 1000 + again} for at, row in enumerate(sample)
        ]
        leases = [
            {
                "call_id": row["id"], "campaign_id": row["campaign_id"], "tenant": "default",
                "line": LINE, "phone": f"{row['id']}", "acquired_at": NOW, "expires_at": NOW,
            }
            for row in rows
        ]  # fmt: skip

        def work(
            s: Session,
            rows: list[dict[str, Any]] = rows,
            leases: list[dict[str, Any]] = leases,
        ) -> None:
            s.connection().execute(insert(call), rows)
            s.connection().execute(insert(lease), leases)

        begun = time.perf_counter()
        database.write_sync(work)
        took.append((time.perf_counter() - begun) * 1000)
        database.write_sync(lambda s: s.connection().execute(delete(lease)))
    return statistics.median(took)


def measure(db: Database, campaign: CampaignRecord, people: int, count: int) -> None:
    took = claims(db, campaign, count)
    print(f"{people:,} people due, {AT_ONCE} calls a claim, {count} claims, milliseconds")
    print(f"bare inserts           {bare_inserts(db):6.1f}")
    for name, part in (("first", took[WARM : WARM + 50]), ("last", took[-50:])):
        clock = sorted(one.clock for one in part)
        middle, worst = statistics.median(clock), clock[int(len(clock) * 0.95)]
        processor = statistics.mean(one.processor for one in part)
        print(
            f"{name:5} 50: median     {middle:6.1f}   95th percentile {worst:6.1f}   "
            f"processor, mean {processor:6.1f}"
        )


def main(people: int, count: int) -> None:
    logging.disable(logging.INFO)
    with postgresql_server() as server, postgresql_database(server) as url:
        as_in_production(make_url(url))
        with migrated(url) as db:
            campaign = fill(db, people)
            settle_down(make_url(url))
            measure(db, campaign, people, count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=1000)
    options = parser.parse_args()
    main(options.people, options.claims)
