"""Calls a second, and CPU for each call, beside a bare baseline in the same run.

The baseline is the smallest thing that could follow a call: the same simulated network and
verified webhooks, one child workflow with one activity, three signals and one local activity.
It keeps no roster, no records, no limits, and forgets everything. Each run has a Temporal
development server of its own, with its database in a file.

    python -m bench.throughput [--calls 600] [--in-flight 60]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.baseline.run import run_baseline
from bench.engine import run_engine
from bench.measured import show


async def measure(calls: int, in_flight: int, here: Path) -> None:
    """One run of each, in folders of its own below `here`."""
    show(
        [
            await run_baseline(calls, in_flight, here / "baseline"),
            await run_engine("outdial, upserts off", calls, in_flight, here / "off", upserts=False),
            await run_engine("outdial, upserts on", calls, in_flight, here / "on", upserts=True),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--in-flight", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "baseline").mkdir()
        asyncio.run(measure(options.calls, options.in_flight, Path(folder)))
