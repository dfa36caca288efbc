"""A process that launches a definition, applies it, or adds a contact file to a campaign, and may
kill itself at a step of that: `python -m tests.faults.launching DATABASE launch|apply|add FILE
[STEP NTH]`.

The product knows nothing of it: functions of the store are replaced before it begins.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from outdial.intake.definition import read_definition
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.services.campaigns import launching
from outdial.services.campaigns import staging as writing
from outdial.services.campaigns.adding import add_file
from outdial.services.campaigns.applying import apply_definition
from outdial.services.campaigns.launching import store_launch
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.store.campaign import proposals
from outdial.store.db.database import Database
from outdial.store.roster import flip, rows

CHUNK = 10
"""Recipients written, or moved, in one transaction."""
REQUESTER = "run-campaign/run"
CAMPAIGN = "staged"


class Step(StrEnum):
    """Where it dies."""

    CHUNK_WRITTEN = "a chunk written, not committed"
    CHUNK_COMMITTED = "a chunk committed"
    FLIP_DECIDED = "the flip decided, not committed"
    FLIP_COMMITTED = "the flip committed, its workflow not started"
    PROPOSED = "a revision proposed, not applied"
    ACCEPTED = "an addition accepted, none of it moved"
    MOVE_DECIDED = "recipients moved, not committed"
    MOVE_COMMITTED = "recipients moved, others not"


_FUNCTIONS: dict[Step, tuple[Any, str]] = {
    Step.CHUNK_WRITTEN: (rows, "write_chunk"),
    Step.CHUNK_COMMITTED: (rows, "write_chunk"),
    Step.FLIP_DECIDED: (launching, "flip_launch"),
    Step.FLIP_COMMITTED: (launching, "flip_launch"),
    Step.PROPOSED: (proposals, "apply_proposal"),
    Step.ACCEPTED: (flip, "move_some"),
    Step.MOVE_DECIDED: (flip, "move_some"),
    Step.MOVE_COMMITTED: (flip, "move_some"),
}
_BEFORE = (Step.PROPOSED, Step.ACCEPTED)
_COMMITTED = (Step.CHUNK_COMMITTED, Step.FLIP_COMMITTED, Step.MOVE_COMMITTED)


def resources(database: Database, temporal: Client, *, later: timedelta) -> Resources:
    """With the clock of this machine, or one that is ahead of it."""
    line = Line("simulated", SimulatedProvider(LineConfig(name="simulated")), LinePolicy())
    return Resources(database, temporal, Lines([line]), lambda: system_clock() + later)


async def no_temporal() -> Client:
    """A client of a server that does not exist."""
    return await Client.connect("127.0.0.1:1", lazy=True, data_converter=pydantic_data_converter)


def write_contacts(path: Path, numbers: Iterable[str]) -> Path:
    path.write_text("phone\n" + "\n".join(numbers) + "\n")
    return path


def write_definition(folder: Path, numbers: Iterable[str]) -> Path:
    """A definition of `CAMPAIGN`, which calls these numbers at any hour."""
    write_contacts(folder / "contacts.csv", numbers)
    path = folder / "staged.yaml"
    path.write_text(
        f"name: {CAMPAIGN}\npurpose: informational\nagent: a\n"
        'schedule: {hours: "00:00-24:00", time_zone: UTC}\n'
        "pacing: {max_concurrent: 50}\nrecipients: {csv: contacts.csv}\n"
    )
    return path


def set_trap(step: Step, nth: int) -> None:
    """Die when the step's function is called for the n-th time."""
    module, name = _FUNCTIONS[step]
    original, write = getattr(module, name), Database.write
    calls = 0
    committing = False

    def trapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls, committing
        calls += 1
        if calls == nth and step in _BEFORE:
            _die()
        returned = original(*args, **kwargs)
        if calls == nth and step not in _COMMITTED:
            _die()
        committing = calls == nth
        return returned

    async def trapped_write(database: Database, work: Any) -> Any:
        result = await write(database, work)
        if committing:
            _die()
        return result

    setattr(module, name, trapped)
    setattr(Database, "write", trapped_write)  # noqa: B010  # mypy: a method is no variable


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    url, what, file, *trap = sys.argv[1:]
    if trap:
        setattr(writing, "CHUNK_ROWS", CHUNK)  # noqa: B010
        setattr(flip, "MOVED_AT_ONCE", CHUNK)  # noqa: B010
        setattr(flip, "move_some", partial(flip.move_some, limit=CHUNK))  # noqa: B010
        set_trap(Step(trap[0]), int(trap[1]))
    ctx = resources(Database(url), await no_temporal(), later=timedelta(0))
    if what == "launch":
        await store_launch(ctx, read_definition(file), again=False, requester=REQUESTER)
    elif what == "apply":
        await apply_definition(ctx, read_definition(file), mode=RosterMode.MATCH, live=False)
    else:
        path = Path(file)
        await add_file(ctx, CAMPAIGN, path.name, path.parent)


if __name__ == "__main__":
    asyncio.run(main())
