"""Which engine a command talks to: a configured cluster, a running stack, or its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from outdial.cli.output import say
from outdial.domain.errors import OutdialError
from outdial.providers.lines import Lines
from outdial.resources.resources import Resources
from outdial.runtime.clock import system_clock
from outdial.runtime.connection import connect_temporal, is_configured
from outdial.runtime.lines import build_lines
from outdial.runtime.resources import build_resources
from outdial.runtime.settings.settings import Settings
from outdial.runtime.stack.embedded import EmbeddedStack, running_stack, settings_of_running
from outdial.runtime.stack.statefile import is_owned
from outdial.store.db.database import Database

STARTING_SECONDS = 30.0
"""How long a stack may take that another command is just starting or stopping."""


class NothingYet(OutdialError):
    """There is no database: nothing was ever launched here."""

    code = "nothing_launched"


@dataclass(frozen=True)
class Attachment:
    """A command's way to the engine."""

    context: Resources
    settings: Settings
    ui: str | None
    own: EmbeddedStack | None = None
    """The stack that lives as long as this command."""
    borrowed: Path | None = None
    """State directory of the stack that another command runs."""
    live: bool = True
    """False: nothing runs; the database can be read and written, no more."""

    @property
    def lost(self) -> bool:
        """Whether the other command's stack is gone."""
        return self.borrowed is not None and not is_owned(self.borrowed)


@asynccontextmanager
async def attached(settings: Settings, *, quiet: bool = False) -> AsyncIterator[Attachment]:
    """An engine that carries out campaigns; one is started when there is none.

    Raises what `EmbeddedStack`, `connect_temporal` and `build_lines` raise.
    """
    async with AsyncExitStack() as opened:
        own: EmbeddedStack | None = None
        borrowed = None
        if not is_configured(settings):
            found = await running_here(settings)
            if found is not None:
                settings, borrowed = found, settings.state_dir
            else:
                say(
                    f"No Temporal is configured: starting everything here, in "
                    f"{settings.state_dir}, for as long as this command runs.",
                    to_stderr=quiet,
                )
                stack = EmbeddedStack(settings, on_waiting=say_waiting)
                own = await opened.enter_async_context(stack)
                settings = own.settings
        context = await _context(settings, build_lines(settings), opened, lazy=False)
        if settings.ui_url and (own or borrowed):
            say(f"Temporal UI: {settings.ui_url}", to_stderr=quiet)
        yield Attachment(context, settings, settings.ui_url, own, borrowed)


@asynccontextmanager
async def looked_at(settings: Settings, *, engine: bool = False) -> AsyncIterator[Attachment]:
    """The records, and the engine if one runs; none is started.

    Raises NothingYet when there is nothing to look at, and TemporalUnreachable when the engine
    is needed and configured, but does not answer.
    """
    live = is_configured(settings)
    borrowed = None
    if not live:
        found = await running_here(settings)
        if found is not None:
            live, borrowed, settings = True, settings.state_dir, found
    if not live and not _database_exists(settings):
        raise NothingYet(f"nothing has been launched yet in {settings.state_dir}")
    async with AsyncExitStack() as opened:
        context = await _context(settings, Lines([]), opened, lazy=not (engine and live))
        yield Attachment(context, settings, settings.ui_url, None, borrowed, live)


async def _context(
    settings: Settings, lines: Lines, opened: AsyncExitStack, *, lazy: bool
) -> Resources:
    opened.push_async_callback(lines.aclose)
    database = Database(settings.database, daily_ceiling=settings.daily_ceiling)
    opened.callback(database.dispose)
    client = await connect_temporal(settings, lazy=lazy, within=timedelta(seconds=2))
    return build_resources(settings, database, client, lines, system_clock)


def say_waiting(calls: int) -> None:
    verb = "call goes" if calls == 1 else "calls go"
    say(f"{calls} {verb} on; waiting for the end. Ctrl-C leaves at once.", to_stderr=True)


async def running_here(settings: Settings) -> Settings | None:
    """The settings of the stack that another command runs here; waits for one that starts."""
    for _ in range(int(STARTING_SECONDS * 10)):
        state = running_stack(settings.state_dir)
        if state is not None:
            return settings_of_running(settings, state)
        if not is_owned(settings.state_dir):
            return None
        await asyncio.sleep(0.1)
    return None


def _database_exists(settings: Settings) -> bool:
    url = make_url(settings.database)
    if url.get_backend_name() != "sqlite":
        return True
    return url.database is not None and Path(url.database).exists()
