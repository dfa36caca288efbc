"""`python -m outdial.providers.simulated`: the simulated network as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from outdial.providers.simulated.http.server import (
    DEFAULT_API_KEY,
    DEFAULT_WEBHOOK_SECRET,
    SimulatedNetwork,
)
from outdial.providers.simulated.telephony.settings import NetworkSettings, settings_of


def main() -> None:
    asyncio.run(_serve(_arguments()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m outdial.providers.simulated", description=__doc__
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--public-url", help="where others reach it, if not at host and port")
    parser.add_argument("--api-key", default=DEFAULT_API_KEY)
    parser.add_argument("--secret", default=DEFAULT_WEBHOOK_SECRET, help="whsec_ and base64")
    parser.add_argument(
        "--credentials", type=Path, help="a JSON file with api_key and webhook_secret"
    )
    parser.add_argument("--config", type=Path, help="a JSON file: people, account, faults")
    parser.add_argument("--time-scale", type=float, help="simulated seconds in a real second")
    parser.add_argument("--seed", type=int, help="of the people")
    return parser.parse_args()


def _settings(arguments: argparse.Namespace) -> NetworkSettings:
    config = json.loads(arguments.config.read_text()) if arguments.config else {}
    given = {"time_scale": arguments.time_scale, "seed": arguments.seed}
    people = {name: value for name, value in given.items() if value is not None}
    return settings_of(config, people)


async def _serve(arguments: argparse.Namespace) -> None:
    credentials = {"api_key": arguments.api_key, "webhook_secret": arguments.secret}
    if arguments.credentials is not None:
        credentials = json.loads(arguments.credentials.read_text(encoding="utf-8"))
    network = SimulatedNetwork(
        _settings(arguments),
        api_key=credentials["api_key"],
        webhook_secret=credentials["webhook_secret"],
        host=arguments.host,
        port=arguments.port,
        public_url=arguments.public_url,
    )
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, leave.set)
    async with network:
        sys.stdout.write(f"simulated network: {network.base_url}\n")
        sys.stdout.flush()
        await leave.wait()


if __name__ == "__main__":
    main()
