"""Claims of a campaign in which everybody's hours open at once, on SQLite and PostgreSQL.

Four phases of one roster, whose hours are 08:00 to 18:00 in one zone: before the hours, until the
campaign sleeps; the opening; a steady state in which one slot at a time becomes free; and the end
of the hours with most people left. Then campaigns that share a line: each waits for a slot, and
slots become free one by one. Calls end between the claims, outside what is measured.

    python -m bench.rush [--people 1000000] [--calls 300] [--campaigns 1000] [--database both]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import event, make_url, text
from sqlmodel import Session

from bench.claim import as_in_production, settle_down
from outdial.contracts.names import campaign_workflow_id
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.zone import zone_evidence
from outdial.store.claims import candidates, reservation
from outdial.store.claims.reservation import claim_calls
from outdial.store.claims.result import ClaimResult
from outdial.store.db.database import Database
from outdial.store.db.tables import EPOCH
from tests.builders import LINE, House
from tests.databases import migrated, postgresql_database, postgresql_server, sqlite_database

OPENS = datetime(2026, 3, 4, 13, tzinfo=UTC)
CLOSES = datetime(2026, 3, 4, 23, tzinfo=UTC)
NIGHT = datetime(2026, 3, 4, 5, tzinfo=UTC)
SLOTS = 200
SHARED_SLOTS = 20
PEOPLE_OF_EACH = 50
_COLUMNS = (
    "campaign_id, launch, position, phone, alternate_phones, zones, variables, line, state, "
    "attempts, calls, due_at, turn, withdrawn"
)
_ROW = ":campaign, 1, n, {phone}, '[]', :zones, '{{}}', :line, :state, 0, 0, :due, 1, {no}"
_FILL = {
    "postgresql": f"INSERT INTO recipient ({_COLUMNS}) SELECT "
    + _ROW.format(phone="'+1' || (2120000000 + :first + n)", no="false")
    + " FROM generate_series(0, :people - 1) AS n",
    "sqlite": f"INSERT INTO recipient ({_COLUMNS}) "
    "WITH RECURSIVE numbers (n) AS "
    "(SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :people - 1) SELECT "
    + _ROW.format(phone="'+1' || (2120000000 + :first + n)", no="0")
    + " FROM numbers",
}


@dataclass
class Phase:
    """Claims of one kind, and the work that they did."""

    name: str
    clock: list[float] = field(default_factory=list)
    """Milliseconds of each claim."""
    processor: float = 0.0
    """Seconds of this process, the database's of SQLite included."""
    calls: int = 0
    decisions: int = 0
    written: int = 0
    """Rows of recipients that were updated."""
    statements: int = 0

    def row(self) -> list[str]:
        took, claims = sorted(self.clock), len(self.clock)
        of_each = self.calls or claims
        return [
            self.name,
            f"{claims:,}",
            f"{self.calls:,}",
            f"{statistics.median(took):.1f}",
            f"{took[int(claims * 0.95)]:.1f}",
            f"{sum(took) / 1000:.1f}",
            f"{self.processor * 1000 / claims:.1f}",
            f"{self.decisions / of_each:.2f}",
            f"{self.written / of_each:.2f}",
            f"{self.statements / claims:.1f}",
        ]


class Bench:
    def __init__(self, database: Database) -> None:
        self.house = House(database)
        self.phases: list[Phase] = []
        self._phase = Phase("")
        self._claims = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        self._phase = Phase(name)
        yield self._phase
        self.phases.append(self._phase)

    def claim(self, campaign: CampaignRecord) -> ClaimResult:
        self._claims += 1
        key, phase = f"b{self._claims}", self._phase
        with self._counted(phase):
            begun, used = time.perf_counter(), time.process_time()
            result = self.house.write(
                lambda s: claim_calls(s, campaign.id, key, now=self.house.now)
            )
            phase.clock.append((time.perf_counter() - begun) * 1000)
            phase.processor += time.process_time() - used
        phase.calls += len(result.claim.calls)
        return result

    @contextmanager
    def _counted(self, phase: Phase) -> Iterator[None]:
        def hear(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
            phase.statements += 1
            if statement.startswith("UPDATE recipient") or "UPDATE recipient" in statement[:2000]:
                phase.written += max(0, cursor.rowcount)

        def counting(decide: Any) -> Any:
            def decided(*values: Any) -> Any:
                phase.decisions += 1
                return decide(*values)

            return decided

        engine = self.house.database._write_engine
        modules: tuple[Any, ...] = (candidates, reservation)
        before = [module.decide for module in modules]
        event.listen(engine, "after_cursor_execute", hear)
        for module in modules:
            module.decide = counting(module.decide)
        try:
            yield
        finally:
            event.remove(engine, "after_cursor_execute", hear)
            for module, decide in zip(modules, before, strict=True):
                module.decide = decide

    def fill(self, campaign: CampaignRecord, people: int, first: int, due: datetime) -> None:
        def work(s: Session) -> None:
            s.connection().execute(
                text(_FILL[s.get_bind().dialect.name]),
                {
                    "campaign": campaign.id,
                    "zones": zone_evidence("+12125550000").model_dump_json(exclude_none=True),
                    "line": LINE,
                    "state": RecipientState.WAITING.value,
                    "due": due if s.get_bind().dialect.name == "postgresql" else _as_text(due),
                    "people": people,
                    "first": first,
                },
            )

        self.house.write(work)

    def rush(self, people: int, calls: int) -> None:
        house = self.house
        house.now = NIGHT
        house.line(most=SLOTS, per_second=100_000)
        pacing = {"max_concurrent": 1000}
        campaign = house.launch(0, "rush", pacing=pacing, schedule={"hours": "08:00-18:00"})
        self.fill(campaign, people, 0, EPOCH)
        self._settle_down()
        with self.phase("before the hours, until it sleeps"):
            while self.claim(campaign).claim.wake_at == house.now:
                pass
        house.now, live = OPENS, list[str]()
        with self.phase("opening"):
            while True:
                claimed = self.claim(campaign).claim
                live += [call.call_id for call in claimed.calls]
                if claimed.wake_at != house.now:
                    break
        with self.phase("one slot freed at a time"):
            for _ in range(calls):
                house.later(seconds=1)
                house.end(live.pop(0))
                live += [call.call_id for call in self.claim(campaign).claim.calls]
        house.now = CLOSES
        for call_id in live:
            house.end(call_id)
        with self.phase("end of the hours, until it sleeps"):
            while self.claim(campaign).claim.wake_at == house.now:
                pass

    def share(self, campaigns: int, calls: int) -> float:
        """How often all of them together look at the line while it is full, in a second."""
        house = self.house
        house.now = OPENS
        house.line(most=SHARED_SLOTS, per_second=100_000)
        running = []
        for at in range(campaigns):
            one = house.launch(0, f"shared-{at}", pacing={"max_concurrent": 50})
            self.fill(one, PEOPLE_OF_EACH, 2_000_000 + at * PEOPLE_OF_EACH, EPOCH)
            running.append(one)
        self._settle_down()
        by_workflow = {campaign_workflow_id(each.tenant, each.name): each for each in running}
        live, polls = list[tuple[CampaignRecord, str]](), 0.0
        name = f"{campaigns:,} campaigns wait for one line"
        with self.phase(name):
            for each in running:
                claimed = self.claim(each).claim
                live += [(each, call.call_id) for call in claimed.calls]
        with self.phase("the same, one slot freed at a time"):
            for _ in range(calls):
                house.later(milliseconds=100)
                owner, call_id = live.pop(0)
                house.end(call_id)
                waiting = [owner]
                while waiting:
                    each = waiting.pop()
                    result = self.claim(each)
                    live += [(each, call.call_id) for call in result.claim.calls]
                    waiting += [by_workflow[workflow] for workflow in result.offered]
        with self.phase("the same, looking at the full line"):
            for each in running[: min(campaigns, 100)]:
                wake_at = self.claim(each).claim.wake_at
                if wake_at is not None:
                    seconds = max(0.001, (wake_at - house.now).total_seconds())
                    polls += campaigns / min(campaigns, 100) / seconds
        return polls

    def _settle_down(self) -> None:
        url = self.house.database._write_engine.url
        if url.get_backend_name() == "postgresql":
            settle_down(url)


def _as_text(instant: datetime) -> str:
    """As SQLite stores it."""
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")


def measure(kind: str, people: int, calls: int, campaigns: int) -> None:
    server = postgresql_server() if kind == "postgresql" else nullcontext()
    with server as at:
        new = sqlite_database() if at is None else postgresql_database(at)
        with new as url:
            if at is not None:
                as_in_production(make_url(url))
            with migrated(url) as database:
                bench = Bench(database)
                bench.rush(people, calls)
                polls = bench.share(campaigns, calls)
    table = Table(title=f"{kind}: {people:,} people, a line of {SLOTS}; milliseconds of a claim")
    columns = ("phase", "claims", "calls", "median", "95 %", "s in all", "CPU")
    for column in (*columns, "decisions", "rows written", "statements"):
        table.add_column(column, justify="left" if column == "phase" else "right")
    for phase in bench.phases:
        table.add_row(*phase.row())
    Console(width=130).print(table)
    print("decisions and rows written: for each call, or for each claim where no calls were made")
    print(f"{campaigns:,} campaigns look at a full line {polls:.1f} times a second, all together")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--campaigns", type=int, default=1000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    kinds = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    for kind in kinds:
        measure(kind, options.people, options.calls, options.campaigns)


if __name__ == "__main__":
    main()
