"""A whole embedded stack with processes of its own, and what tests want to know of it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from outdial.domain.record import CallRecord, Progress
from outdial.intake.definition import LoadedDefinition, read_definition, read_definition_text
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.embedded import EmbeddedStack
from outdial.services.operations import reading
from outdial.store.db.database import Database
from tests.drafts import read_roster
from tests.waiting import until

PEOPLE: dict[str, Any] = {
    "weights": {"answer": 1.0},
    "dial_seconds": [0.05, 0.1],
    "ring_seconds": [0.1, 0.2],
    "talk_seconds": [0.3, 0.6],
    "voicemail_seconds": [0.3, 0.6],
    "screened_seconds": [0.3, 0.6],
    "hang_up_seconds": [0.1, 0.2],
    "analysis_seconds": [0.05, 0.2],
    "time_scale": 1.0,
}
"""Everybody answers, and a call lasts half a second."""
QUICKSTART = Path(__file__).resolve().parents[2] / "campaigns" / "quickstart.yaml"


def unlike_each_other() -> dict[str, list[str]]:
    """For the network: five readers of quickstart who do not simply answer."""
    numbers = sorted(person.phone for person in read_roster(read_definition(QUICKSTART)))
    behaviours = [
        ["busy", "answer"],
        ["voicemail", "hang_up"],
        ["rejected"],
        ["opt_out"],
        ["not_in_service"],
    ]
    return dict(zip(numbers, behaviours, strict=False))


class Network:
    """The network's own view, over its control side."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def stats(self) -> dict[str, Any]:
        return dict(await self._get("/sim/stats"))

    async def calls(self) -> list[dict[str, Any]]:
        return list((await self._get("/sim/calls"))["calls"])

    async def creates(self) -> dict[str, int]:
        """Accepted creates by our call id."""
        return dict(await self._get("/sim/creates"))

    async def open_changes(self) -> list[tuple[datetime, int]]:
        """How many calls were open, after each change."""
        changes = await self._get("/sim/open-history")
        return [(datetime.fromisoformat(at), number) for at, number in changes["changes"]]

    async def mean_open(self, start: datetime, end: datetime) -> float:
        """The time-weighted mean of open calls."""
        interval = {"start": start.isoformat(), "end": end.isoformat()}
        return float((await self._get("/sim/open-history", interval))["mean"])

    async def configure(self, patch: dict[str, Any]) -> None:
        answer = await self._http.put("/sim/config", json=patch)
        answer.raise_for_status()

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        answer = await self._http.get(path, params=query)
        answer.raise_for_status()
        return answer.json()


@dataclass(frozen=True)
class Stack:
    embedded: EmbeddedStack
    client: Client
    ctx: Resources
    network: Network
    state_dir: Path

    async def progress(self, name: str) -> Progress:
        return await reading.progress(self.ctx, name)

    async def calls(self, name: str) -> list[CallRecord]:
        return await reading.list_calls(self.ctx, name, limit=10_000)

    async def until_over(self, name: str, *, timeout: float = 60.0) -> Progress:
        """The last figures of a campaign; raises TimeoutError with the present ones."""

        async def over() -> bool:
            return (await self.progress(name)).state.over

        try:
            await until(over, timeout=timeout, interval=0.1)
        except TimeoutError:
            raise TimeoutError(f"{name}: {await self.progress(name)}") from None
        return await self.progress(name)


def environment(state_dir: Path, **variables: object) -> dict[str, str]:
    """The variables of a command that has a stack of its own."""
    mine = {f"OUTDIAL_{name.upper()}": str(value) for name, value in variables.items()}
    return {**os.environ, "OUTDIAL_STATE_DIR": str(state_dir), **mine}


def people_file(folder: Path, people: Mapping[str, Any]) -> Path:
    """A configuration of the network in which these people live."""
    path = folder / "network.json"
    path.write_text(json.dumps({"people": dict(people)}), encoding="utf-8")
    return path


@asynccontextmanager
async def running(
    folder: Path, people: Mapping[str, Any] = PEOPLE, **variables: object
) -> AsyncIterator[Stack]:
    """A stack in `folder`; `variables` are settings without their prefix."""
    given = {
        "simulated__config": people_file(folder, people),
        "simulated__time_scale": people["time_scale"],
        **variables,
    }
    environ = environment(folder / "state", **given)
    async with AsyncExitStack() as opened:
        embedded = EmbeddedStack(load_settings(environ))
        await opened.enter_async_context(embedded)
        settings = embedded.settings
        lines = build_lines(settings)
        opened.push_async_callback(lines.aclose)
        database = Database(settings.database)
        opened.callback(database.dispose)
        client = await connect_temporal(settings)
        network = await opened.enter_async_context(
            httpx.AsyncClient(base_url=embedded.state.endpoints.network, trust_env=False)
        )
        ctx = Resources(database, client, lines, system_clock, tenant=settings.tenant)
        yield Stack(embedded, client, ctx, Network(network), folder / "state")


def campaign(name: str, phones: Iterable[str], **keys: Any) -> LoadedDefinition:
    """A definition over these numbers, callable at any hour; `keys` are keys of the file."""
    return read_definition_text(campaign_text(name, phones, **keys), base=Path())


def campaign_text(name: str, phones: Iterable[str], **keys: Any) -> str:
    """The same as a file's text. JSON is YAML."""
    values: dict[str, Any] = {
        "name": name,
        "purpose": "informational",
        "agent": "reminder",
        "schedule": {"hours": "00:00-24:00"},
        "recipients": [{"phone": phone, "first_name": "Ada"} for phone in phones],
    }
    return json.dumps(values | keys, indent=1)
