"""The network as a process of its own, and the connections its webhooks travel over."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx
import pytest

from outdial.providers.simulated.http.poster import Poster
from tests.providers.simulated.receiver import Receiver, Reply

ROOT = Path(__file__).parents[3]


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    config = tmp_path / "network.json"
    config.write_text(json.dumps({"people": {"weights": {"busy": 1}, "seed": 1}}))
    options = ("--api-key", "k", "--config", str(config), "--seed", "5", "--time-scale", "20")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "outdial.providers.simulated",
        *options,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            greeting = (await process.stdout.readline()).decode()
        base_url = greeting.removeprefix("simulated network: ").strip()
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
            people = (await client.get("/sim/config")).json()["people"]
            header = {"authorization": "Bearer k"}
            account = await client.get("/v1/account", headers=header)
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await process.wait()
    assert (people["weights"], people["seed"], people["time_scale"]) == ({"busy": 1}, 5, 20)
    assert account.json() == {"open": 0, "max_concurrent": None}
    assert process.returncode == 0


@pytest.fixture
def poster() -> Poster:
    return Poster()


async def test_posts_share_a_connection(poster: Poster, receiver: Receiver) -> None:
    for _ in range(3):
        assert (
            await poster.post(receiver.url, [("x-mark", "ü".encode("latin-1").hex())], b"{}") == 200
        )
    assert [one.connection for one in receiver.received] == [1, 1, 1]
    poster.close()


async def test_a_connection_closed_while_idle_is_not_used_again(
    poster: Poster, receiver: Receiver
) -> None:
    await poster.post(receiver.url, [], b"{}")
    receiver.hang_up()
    # The close has arrived once our end of a new connection has been served.
    probe = Poster()
    await probe.post(receiver.url, [], b"{}")
    assert await poster.post(receiver.url, [], b"{}") == 200
    assert [one.connection for one in receiver.received] == [1, 2, 3]
    poster.close()
    probe.close()


async def test_a_server_that_wants_to_close_gets_its_way(
    poster: Poster, receiver: Receiver
) -> None:
    receiver.reply = Reply(200, headers=(("connection", "close"),))
    for _ in range(2):
        assert await poster.post(receiver.url, [], b"{}") == 200
    assert [one.connection for one in receiver.received] == [1, 2]
    poster.close()
