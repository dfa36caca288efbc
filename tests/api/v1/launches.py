"""Contact files to upload, and the launches that they become."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx

from tests.api.v1.conftest import Customer
from tests.waiting import until

ROWS = 2500


def contacts(rows: int = ROWS, *, first: int = 0) -> bytes:
    lines = (f"+1202{5550000 + first + row},Ada {row}" for row in range(rows))
    return ("phone,first_name\n" + "\n".join(lines) + "\n").encode()


def definition(name: str) -> str:
    return (
        f"name: {name}\npurpose: informational\nagent: reminder\n"
        'schedule: {hours: "00:00-24:00"}\nrecipients: {csv: contacts}\n'
        'variables: {greeting: "Hello {{ first_name }}"}\n'
    )


def form(name: str, csv: bytes) -> dict[str, Any]:
    return {"definition": (None, definition(name)), "contacts": ("people.csv", csv)}


def inline(name: str, people: int) -> dict[str, Any]:
    return {
        "name": name,
        "purpose": "informational",
        "agent": "a",
        "schedule": {"hours": "00:00-24:00"},
        "recipients": [{"phone": f"+1202{5550000 + at}"} for at in range(people)],
    }


async def followed(
    customer: Customer, answer: httpx.Response, state: str | None = None
) -> dict[str, Any]:
    """The launch once it has ended, or is in a state."""
    assert answer.status_code == 202, answer.text
    place = answer.headers["location"]
    assert place == f"/v1/launches/{answer.json()['id']}"
    launch: dict[str, Any] = {}

    async def ended() -> bool:
        nonlocal launch
        launch = (await customer.http.get(place)).json()
        return launch["finished_at"] is not None or launch["state"] == state

    await until(ended)
    return launch


async def is_empty(folder: Path) -> bool:
    return not os.listdir(folder)


async def holds(folder: Path, count: int) -> bool:
    return len(os.listdir(folder)) == count
