"""Seconds, processor time and memory of a report over many recipients with a call each, through
`make_report`, as `outdial report` and the API make it.

    python -m bench.report [--calls 100000 1000000] [--databases sqlite postgresql]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

from temporalio.client import Client

from bench.earlier_calls import add_earlier_calls
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.services.campaigns.reporting import make_report
from outdial.store.db.database import Database
from tests.builders import House
from tests.databases import migrated, postgresql_database, postgresql_server, sqlite_database
from tests.services.world import MovableClock

_DATABASES = ("sqlite", "postgresql")


async def measure(kind: str, database: Database, calls: int) -> None:
    house, clock = House(database), MovableClock()
    clock.now = house.now
    campaign = house.launch(0)
    await database.write(lambda s: add_earlier_calls(s, campaign, calls, house.now))
    ctx = Resources(database, cast("Client", None), Lines([]), clock)
    used, begun = time.process_time(), time.perf_counter()
    report = await make_report(ctx, campaign.name)
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    assert report.answers.attempts == calls
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{kind:10} {calls:>9,} calls {seconds:7.1f} s, {processor:7.1f} s of this process's CPU, "
        f"{largest:5.0f} MiB at most",
        flush=True,
    )


def main(every: list[int], databases: list[str]) -> None:
    logging.disable(logging.INFO)
    for name in databases:
        for calls in every:
            with _new_database(name) as url, migrated(url) as database:
                asyncio.run(measure(name, database, calls))


@contextmanager
def _new_database(name: str) -> Iterator[str]:
    with ExitStack() as stack:
        if name == "sqlite":
            yield stack.enter_context(sqlite_database())
        else:
            server = stack.enter_context(postgresql_server())
            yield stack.enter_context(postgresql_database(server))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", default=list(_DATABASES), choices=_DATABASES)
    arguments = parser.parse_args()
    main(arguments.calls, arguments.databases)
