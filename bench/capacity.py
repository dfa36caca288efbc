"""How many calls a second the database carries, and what stops it: the store alone.

N processes on PostgreSQL take calls through their life: claim, read, placement fence, placed,
three reports, end with settlement, outbox. Nothing is dialed, and Temporal is not there. Each
commit waits for the disk. Three shapes: one campaign that all processes claim for, several on one
line, and several on lines of their own. What sessions wait for is sampled a hundred times a second.

Then the cost of a call in a campaign of 1,000 and of 1,000,000 recipients, runs of each by turns,
their medians: CPU of this process and of the database, which others on the machine hardly change.

    python -m bench.capacity [--processes 1 2 4] [--seconds 20] [--recipients 1000000]
                             [--calls 600] [--runs 3] [--only load|recipients]
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, make_url, text
from sqlmodel import Session

from bench.footprint import POSTGRESQL, Stack
from bench.processes import TICKS
from bench.store_load import Caller, Load, Task, WaitSampler, run_process, summed
from outdial.domain.endpoint import Endpoint, EndpointKind
from outdial.domain.record import DEFAULT_TENANT, RecipientState
from outdial.domain.rules.zone import zone_evidence
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from outdial.store.db.tables import EPOCH
from outdial.store.roster import roster
from outdial.store.webhooks import endpoints
from tests.builders import House, definition
from tests.databases import migrated, postgresql_database, postgresql_server

WARM_SECONDS = 3.0
SHAPES = ("one campaign", "several, one line", "several, a line each")
PEOPLE_A_SECOND = 1000
"""More than any process can call."""
CONSOLE = Console(width=130, highlight=False)
FEW = 1000
"""Recipients of the smaller campaign."""


@dataclass(frozen=True)
class Run:
    shape: str
    processes: int
    seconds: float
    load: Load
    postgresql: float
    """CPU seconds of the database."""
    busy: float
    """Share of all cores that was in use."""
    waits: WaitSampler

    @property
    def per_second(self) -> float:
        return self.load.calls / self.seconds

    def per_call(self, seconds: float) -> float:
        """Milliseconds."""
        return 1000 * seconds / max(1, self.load.calls)

    @property
    def in_database(self) -> float:
        return sum(cost.in_database for cost in self.load.steps.values())

    @property
    def lock_share(self) -> float:
        locks = sum(n for what, n in self.waits.waits.items() if what.startswith("Lock"))
        return locks / max(1, self.waits.active)

    @property
    def saturated(self) -> str:
        """The first thing that gives no more."""
        if self.busy > 0.9:
            return f"CPU, all cores ({self.busy:.0%})"
        if self.load.processor / self.seconds > 0.9 * self.processes:
            return "one core for each process"
        if self.waits.waits:
            what, _ = self.waits.waits.most_common(1)[0]
            return what
        return "nothing yet"


def fill(database: Database, url: str, name: str, people: int, line: str, area: int) -> Task:
    """A campaign with an endpoint of its own, and every recipient due."""
    house = House(database)
    house.line(line, most=10_000, per_second=100_000)
    plan = definition(name, line=line, pacing={"max_concurrent": 200})
    now = datetime.now(UTC)
    launched = database.write_sync(
        lambda s: campaigns.launch_campaign(s, DEFAULT_TENANT, plan, "", now=now, again=False)
    )
    record = launched.record
    zones = zone_evidence("+12125550000").model_dump_json(exclude_none=True)
    columns = "campaign_id, launch, position, phone, alternate_phones, zones, variables, line, "
    columns += "state, attempts, calls, due_at, turn, withdrawn"
    values = (
        "SELECT :campaign, 1, n, :prefix || lpad(n::text, 7, '0'), '[]', :zones, '{}', :line, "
        ":state, 0, 0, :due, 1, false FROM generate_series(0, :people - 1) AS n"
    )
    endpoint_id = f"ep_{name}"

    def work(s: Session) -> None:
        bound = {"campaign": record.id, "zones": zones, "line": line, "people": people}
        bound |= {"state": RecipientState.WAITING.value, "due": EPOCH, "prefix": f"+1{area}"}
        s.connection().execute(text(f"INSERT INTO recipient ({columns}) {values}"), bound)
        roster.mark_enrolled(s, record.id, 1)
        endpoints.set_campaign_endpoints(
            s,
            record.id,
            [
                Endpoint(
                    id=endpoint_id,
                    tenant=DEFAULT_TENANT,
                    kind=EndpointKind.CAMPAIGN,
                    campaign_id=record.id,
                    url=f"https://{name}.example",
                    secret="s",
                    created_at=now,
                    updated_at=now,
                )
            ],
            now=now,
        )

    database.write_sync(work)
    return Task(url, record.id, line, endpoint_id)


def settle_down(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def as_in_production(url: str) -> None:
    """Commits wait for the disk; and the database cleans up as often as these calls are quick."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting, value in (
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("autovacuum_naptime", "'5s'"),
        ):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = {value}"))
        name = make_url(url).database
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = on'))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def busy_seconds() -> float:
    """CPU seconds that all cores were in use since the machine started (proc_stat(5))."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    user, nice, system, _idle, _iowait, *rest = (int(field) for field in fields[1:9])
    return (user + nice + system + sum(rest)) / TICKS


def run_load(shape: str, tasks: Sequence[Task], seconds: float, stack: Stack) -> Run:
    spawn = multiprocessing.get_context("spawn")
    barrier, warm, over = spawn.Barrier(len(tasks) + 1), spawn.Event(), spawn.Event()
    results = spawn.Queue()
    children = [
        spawn.Process(target=run_process, args=(task, barrier, warm, over, results))
        for task in tasks
    ]
    for child in children:
        child.start()
    barrier.wait(60)
    time.sleep(WARM_SECONDS)
    waits, began = WaitSampler(), time.monotonic()
    database, busy = stack.measure().cpu[POSTGRESQL], busy_seconds()
    warm.set()
    plain = make_url(tasks[0].url).set(drivername="postgresql")
    with waits.sampling(plain.render_as_string(hide_password=False)):
        time.sleep(seconds)
    over.set()
    took = time.monotonic() - began
    spent = stack.measure().cpu[POSTGRESQL] - database
    used = (busy_seconds() - busy) / took / (multiprocessing.cpu_count() or 1)
    loads = [Load(*results.get(timeout=60)) for _ in children]
    for child in children:
        child.join(60)
    return Run(shape, len(tasks), took, summed(loads), spent, used, waits)


def measure_load(shape: str, processes: int, seconds: float, server: object) -> Run:
    with postgresql_database(server) as url:  # type: ignore[arg-type]
        as_in_production(url)
        with migrated(url) as database:
            people = int((seconds + WARM_SECONDS) * PEOPLE_A_SECOND)
            shared = shape == SHAPES[0]
            campaigns_filled = [
                fill(
                    database,
                    url,
                    f"campaign-{number}",
                    people,
                    f"line-{number}" if shape == SHAPES[2] else "line",
                    200 + number,
                )
                for number in range(1 if shared else processes)
            ]
            settle_down(url)
        tasks = campaigns_filled * processes if shared else campaigns_filled
        return run_load(shape, tasks, seconds, Stack({}, url, Path("/nonexistent")))


def show_load(runs: Sequence[Run]) -> None:
    table = Table(
        title="The store alone, on PostgreSQL; milliseconds and statements are of each call"
    )
    for column in (
        "campaigns", "processes", "calls/s", "in database", "statements", "CPU", "CPU of PG",
        "sessions", "in locks", "saturated first",
    ):  # fmt: skip
        table.add_column(
            column, justify="left" if column in ("campaigns", "saturated first") else "right"
        )
    for run in runs:
        statements = sum(cost.statements for cost in run.load.steps.values())
        table.add_row(
            run.shape,
            str(run.processes),
            f"{run.per_second:.0f}",
            f"{run.per_call(run.in_database):.1f}",
            f"{statements / max(1, run.load.calls):.0f}",
            f"{run.per_call(run.load.processor):.1f}",
            f"{run.per_call(run.postgresql):.1f}",
            f"{run.waits.active / max(1, run.waits.samples):.1f}",
            f"{run.lock_share:.0%}",
            run.saturated,
        )
    CONSOLE.print(table)
    for run in runs:
        _show_waits(run)


def _show_waits(run: Run) -> None:
    active = max(1, run.waits.active)
    most = ", ".join(f"{what} {n / active:.0%}" for what, n in run.waits.waits.most_common(4))
    CONSOLE.print(f"{run.shape}, {run.processes}: sessions waited for {most or 'nothing'}")
    for statement, count in run.waits.locked.most_common(3):
        CONSOLE.print(f"    lock, {count / active:.0%}: {statement}", markup=False)


def show_steps(run: Run) -> None:
    table = Table(title=f"Steps of a call: {run.shape}, {run.processes} process(es)")
    for column in ("step", "transactions", "statements", "database ms", "in all ms"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, cost in run.load.steps.items():
        table.add_row(
            name,
            f"{cost.transactions / max(1, run.load.calls):.2f}",
            f"{cost.statements / max(1, run.load.calls):.1f}",
            f"{run.per_call(cost.in_database):.2f}",
            f"{run.per_call(cost.seconds):.2f}",
        )
    CONSOLE.print(table)


@dataclass(frozen=True)
class CostOfCall:
    """Milliseconds of each call."""

    here: float
    postgresql: float
    in_database: float

    @property
    def processor(self) -> float:
        return self.here + self.postgresql


def run_calls(task: Task, count: int, stack: Stack) -> CostOfCall:
    """Make so many calls in this process."""
    caller = Caller(task)
    began: list[float] = []

    def measured() -> bool:
        if caller.made < count // 4:
            return False
        began.append(stack.measure().cpu[POSTGRESQL])
        return True

    load = caller.run(lambda: caller.made >= count, measured)
    spent = stack.measure().cpu[POSTGRESQL] - began[-1]
    in_database = sum(cost.in_database for cost in load.steps.values())
    here, postgresql, waited = (
        1000 * seconds / load.calls for seconds in (load.processor, spent, in_database)
    )
    return CostOfCall(here, postgresql, waited)


def measure_recipients(sizes: Sequence[int], calls: int, turns: int, server: object) -> None:
    """Campaigns of two sizes, each size in a database of its own, by turns."""
    costs: dict[int, list[CostOfCall]] = {size: [] for size in sizes}
    with postgresql_database(server) as few, postgresql_database(server) as many:  # type: ignore[arg-type]
        tasks: dict[tuple[int, int], Task] = {}
        for url, size in ((few, sizes[0]), (many, sizes[1])):
            as_in_production(url)
            with migrated(url) as database:
                for turn in range(turns if size == sizes[0] else 1):
                    tasks[size, turn] = fill(
                        database, url, f"c-{size}-{turn}", size, "line", 200 + turn
                    )
            settle_down(url)
        for turn in range(turns):
            for size, url in ((sizes[0], few), (sizes[1], many)):
                task = tasks.get((size, turn), tasks[size, 0])
                stack = Stack({}, url, Path("/nonexistent"))
                costs[size].append(run_calls(task, calls, stack))
                CONSOLE.print(f"{size:,} recipients: {costs[size][-1].processor:.1f} ms")
    _show_recipients(costs, calls)


def _show_recipients(costs: dict[int, list[CostOfCall]], calls: int) -> None:
    table = Table(title=f"Milliseconds of a call, {calls} calls a run, runs of each size by turns")
    for column in ("recipients", "CPU, each run", "CPU, median", "here", "PostgreSQL", "waited"):
        table.add_column(column, justify="right")
    medians = {}
    for size, runs in costs.items():
        medians[size] = statistics.median(run.processor for run in runs)
        table.add_row(
            f"{size:,}",
            " ".join(f"{run.processor:.1f}" for run in runs),
            f"{medians[size]:.1f}",
            f"{statistics.median(run.here for run in runs):.1f}",
            f"{statistics.median(run.postgresql for run in runs):.1f}",
            f"{statistics.median(run.in_database for run in runs):.1f}",
        )
    CONSOLE.print(table)
    small, large = medians.values()
    CONSOLE.print(f"the larger campaign costs {large / small - 1:+.1%} a call")


def main(options: argparse.Namespace) -> None:
    logging.disable(logging.INFO)
    with postgresql_server() as server:
        if options.only != "recipients":
            runs = [
                measure_load(shape, processes, options.seconds, server)
                for shape in SHAPES
                for processes in options.processes
            ]
            show_load(runs)
            show_steps(runs[0])
        if options.only != "load":
            measure_recipients((FEW, options.recipients), options.calls, options.runs, server)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=["load", "recipients"])
    given = parser.parse_args()
    if given.calls * 5 / 4 >= FEW:
        parser.error(
            f"found --calls {given.calls}; with a quarter more that is not measured, a run calls"
            f" fewer than the {FEW} recipients"
        )
    main(given)
