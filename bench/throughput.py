"""Calls a second, and CPU for each call, beside two bare baselines in the same run.

A baseline is the smallest thing that could follow a call: the same simulated network and
verified webhooks, one child workflow with one activity and one local activity. It keeps no roster,
no records, no limits, and forgets everything. One of them is signalled every status of a call, as
the engine is with status upserts (but upserts nothing); the other one is signalled the end alone,
as the engine is without. Each run has a Temporal development server of its own, with its database
in a file, and no workflow sandbox.

    python -m bench.throughput [--calls 600] [--in-flight 60] [--runs all] [--repeat 1] [--profile]

`--profile` says where the CPU of worker and API goes, by stages, and counts SQL statements. The
profiler itself takes some of the CPU: figures of such a run are shares, not costs.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.baseline.run import run_baseline
from bench.engine import run_engine
from bench.measured import Measured, show
from bench.profiled import show_profile

BASELINES = {"bare, every status": 3, "bare, the end alone": 1}
"""Signals for each call."""
ENGINES = {
    "outdial, upserts on": "bare, every status",
    "outdial, upserts off": "bare, the end alone",
}
"""And the baseline that each is compared with."""
SETS = {
    "all": [*BASELINES, *ENGINES],
    "engine": [*ENGINES],
    "on": ["outdial, upserts on"],
    "off": ["outdial, upserts off"],
}


async def measure(
    runs: list[str], calls: int, in_flight: int, here: Path, *, profile: bool
) -> dict[str, Measured]:
    """One run of each, in folders of its own below `here`."""
    measured = {}
    for number, name in enumerate(runs):
        folder = here / str(number)
        folder.mkdir()
        if name in BASELINES:
            measured[name] = await run_baseline(name, BASELINES[name], calls, in_flight, folder)
        else:
            upserts = name == "outdial, upserts on"
            measured[name] = await run_engine(
                name, calls, in_flight, folder, upserts=upserts, profile=profile
            )
            if profile:
                show_profile(name, folder, calls)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--in-flight", type=int, default=60)
    parser.add_argument("--runs", choices=SETS, default="all")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    pairs: list[tuple[Measured, Measured | None]] = []
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory() as folder:
            measured = asyncio.run(
                measure(
                    SETS[options.runs],
                    options.calls,
                    options.in_flight,
                    Path(folder),
                    profile=options.profile,
                )
            )
        pairs += [(run, measured.get(ENGINES.get(name, ""))) for name, run in measured.items()]
    show(pairs)


if __name__ == "__main__":
    main()
