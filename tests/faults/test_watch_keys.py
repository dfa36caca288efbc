"""`outdial watch` in a real terminal: keys select, pause, resume and quit."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.store.campaign import campaigns
from outdial.store.db.database import Database
from tests.databases import migrated
from tests.services.world import build_world, no_temporal

pytestmark = pytest.mark.faults
_WITHIN = 30.0
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *arguments: str, cwd: Path, env: dict[str, str]) -> None:
        self._mine, theirs = pty.openpty()
        command = [sys.executable, "-P", "-m", "outdial.cli", *arguments]
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.text = ""

    def shows(self, wanted: str) -> None:
        """Read until the text is shown."""
        deadline = time.monotonic() + _WITHIN
        while wanted not in self.text:
            assert time.monotonic() < deadline, self.text[-4000:]
            if select.select([self._mine], [], [], 1.0)[0]:
                data = os.read(self._mine, 65536).decode(errors="replace")
                self.text += _SEQUENCE.sub("", data)

    def press(self, keys: str) -> None:
        self.text = ""
        os.write(self._mine, keys.encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._mine)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "state").mkdir()
    with migrated(f"sqlite:///{tmp_path / 'state' / 'outdial.db'}") as database:
        yield database


def test_keys_pause_and_resume_the_selected_campaign(database: Database, tmp_path: Path) -> None:
    async def place() -> str:
        world = build_world(database, await no_temporal())
        first = await world.place_call()
        await world.place_calls(2)
        return first.campaign

    def state() -> CampaignState:
        record = database.read_sync(lambda s: campaigns.find_campaign(s, "default", name))
        assert record is not None
        return record.state

    name = asyncio.run(place())
    environ = {key: text for key, text in os.environ.items() if "TEMPORAL" not in key}
    environ |= {"OUTDIAL_STATE_DIR": "state", "HOME": str(tmp_path), "TERM": "xterm",
                "COLUMNS": "140", "LINES": "50"}  # fmt: skip
    terminal = Terminal("watch", cwd=tmp_path, env=environ)
    try:
        terminal.shows("q quit")
        terminal.press("\x1b[B")
        terminal.shows(f"p pause {name}")
        terminal.press("p")
        terminal.shows(f"r resume {name}")
        assert state() is CampaignState.PAUSED
        terminal.press("r")
        terminal.shows(f"p pause {name}")
        assert state() is CampaignState.RUNNING
        terminal.press("q")
        assert terminal.process.wait(_WITHIN) == 0
    finally:
        terminal.close()
