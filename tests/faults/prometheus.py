"""A real Prometheus beside a stack: it scrapes every second, and its alerts wait for nothing."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.faults.ports import reserve_port
from tests.waiting import until

RULES = Path(__file__).parents[2] / "deploy" / "monitoring" / "rules.yml"
TOKEN = "a token of the tests"
_RANGE = re.compile(r"\[\d+m\]")
_AGE = re.compile(r"(_seconds\) > )\d{3}")


def quick_rules() -> dict[str, Any]:
    """The rules that ship: minutes are seconds, and a value counts as soon as it is there."""
    rules: dict[str, Any] = YAML(typ="safe").load(RULES.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["for"] = "1s"
            rule["expr"] = _AGE.sub(r"\g<1>3", _RANGE.sub("[8s]", rule["expr"]))
    return rules


class Prometheus:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def firing(self) -> set[str]:
        answer = (await self._client.get("/api/v1/alerts")).raise_for_status().json()
        return {
            alert["labels"]["alertname"]
            for alert in answer["data"]["alerts"]
            if alert["state"] == "firing"
        }

    async def value(self, query: str) -> float | None:
        """The only value of a query; None when it has none."""
        answer = (await self._client.get("/api/v1/query", params={"query": query})).json()
        results = answer["data"]["result"]
        return float(results[0]["value"][1]) if results else None

    async def until_fired(self, *names: str, timeout: float = 240.0) -> None:
        """Wait until each of them has fired; one may end what another is about."""
        missing = set(names)

        async def check() -> bool:
            missing.difference_update(await self.firing())
            return not missing

        try:
            await until(check, timeout=timeout, interval=0.3)
        except TimeoutError:
            raise AssertionError(f"never: {missing}, but {await self.firing()}") from None

    async def until_cleared(self, *names: str, timeout: float = 240.0) -> None:
        async def check() -> bool:
            return not await self.firing() & set(names)

        try:
            await until(check, timeout=timeout, interval=0.3)
        except TimeoutError:
            raise AssertionError(f"still firing: {await self.firing()}") from None


def _configuration(folder: Path, targets: Mapping[str, int]) -> Path:
    (folder / "token").write_text(TOKEN)
    (folder / "rules.yml").write_text(json.dumps(quick_rules()))
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        | ({"authorization": {"credentials_file": "token"}} if job == "outdial-api" else {})
        for job, port in targets.items()
    ]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config))
    return path


@asynccontextmanager
async def running_prometheus(folder: Path, targets: Mapping[str, int]) -> AsyncIterator[Prometheus]:
    """`targets` are ports of this machine, by job."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    await asyncio.to_thread(folder.mkdir)
    port = reserve_port()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            binary,
            f"--config.file={_configuration(folder, targets)}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            # What has just vanished must not count for another five minutes.
            "--query.lookback-delta=5s",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10
        ) as client:

            async def ready() -> bool:
                assert process.returncode is None, (folder / "log").read_text()
                try:
                    return (await client.get("/-/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(ready, interval=0.1)
            yield Prometheus(client)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
