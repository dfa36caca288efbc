"""Which engine a command talks to: a configured cluster, a running stack, or its own."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from outdial.cli.output import plural, say
from outdial.domain.errors import OutdialError

if TYPE_CHECKING:
    from temporalio.client import Client

    from outdial.domain.operator import Operator
    from outdial.resources.resources import Resources
    from outdial.runtime.clock import DatabaseClock
    from outdial.runtime.settings.settings import Settings
    from outdial.runtime.stack.embedded import EmbeddedStack
    from outdial.store.db.database import Database

STARTING_SECONDS = 30.0
"""How long a stack may take that another command is just starting or stopping."""
MIGRATE_FIRST = "; `outdial migrate` prepares a database"


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
        from outdial.runtime.stack.statefile import is_owned

        return self.borrowed is not None and not is_owned(self.borrowed)


@asynccontextmanager
async def attached(settings: Settings, *, quiet: bool = False) -> AsyncIterator[Attachment]:
    """An engine that carries out campaigns; one is started when there is none.

    Raises what `EmbeddedStack`, `connect_temporal` and `build_lines` raise.
    """
    from outdial.runtime.lines import build_lines
    from outdial.runtime.resources import build_resources
    from outdial.runtime.stack.embedded import EmbeddedStack
    from outdial.runtime.temporal_config import is_configured

    async with AsyncExitStack() as opened:
        own: EmbeddedStack | None = None
        borrowed = None
        if not is_configured(settings):
            running = await running_here(settings)
            if running is not None:
                settings, borrowed = running, settings.state_dir
            else:
                say(
                    f"No Temporal is configured: starting everything here, in "
                    f"{settings.state_dir}, for as long as this command runs.",
                    to_stderr=quiet,
                )
                stack = EmbeddedStack(settings, on_waiting=say_waiting)
                own = await opened.enter_async_context(stack)
                settings = own.settings
        lines = build_lines(settings)
        opened.push_async_callback(lines.aclose)
        database = _open_database(settings, opened)
        client = await _connect(settings, lazy=False)
        clock = await opened.enter_async_context(_clock_of(database))
        context = replace(
            build_resources(settings, database, client, lines, clock), operator=_local_operator()
        )
        if settings.ui_url and (own or borrowed):
            say(f"Temporal UI: {settings.ui_url}", to_stderr=quiet)
        yield Attachment(context, settings, settings.ui_url, own, borrowed)


@asynccontextmanager
async def reading_records(settings: Settings, *, hint: str = "") -> AsyncIterator[Attachment]:
    """The database, for a command that needs no more: its services never use Temporal.

    Raises NothingYet, its text followed by `hint`, when there is no database.
    """
    from outdial.providers.lines import Lines
    from outdial.runtime.clock import system_clock
    from outdial.runtime.resources import build_resources

    settings, borrowed, live = await _find_engine(settings, hint)
    async with AsyncExitStack() as opened:
        database = _open_database(settings, opened)
        no_client = cast("Client", _NoClient())
        context = replace(
            build_resources(settings, database, no_client, Lines([]), system_clock),
            operator=_local_operator(),
        )
        yield Attachment(context, settings, settings.ui_url, None, borrowed, live)


@asynccontextmanager
async def changing_records(
    settings: Settings, *, hint: str = "", records_first: bool = False, with_lines: bool = False
) -> AsyncIterator[Attachment]:
    """The database, and the engine if one runs, which is signalled; none is started.

    `records_first` is for what takes effect with its record, whether Temporal hears of it or not:
    a connection is made when it is used. `with_lines` is for what is checked against the configured
    lines. Raises NothingYet as `reading_records` does, and without
    `records_first` TemporalUnreachable when a Temporal is configured, but does not answer.
    """
    from outdial.providers.lines import Lines
    from outdial.runtime.resources import build_resources
    from outdial.runtime.stack.addresses import settings_of_launch

    settings, borrowed, live = await _find_engine(settings, hint)
    async with AsyncExitStack() as opened:
        database = _open_database(settings, opened)
        client = await _connect(settings, lazy=records_first or not live)
        clock = await opened.enter_async_context(_clock_of(database))
        lines = Lines([])
        if with_lines:
            from outdial.runtime.lines import build_lines

            lines = build_lines(settings if live else settings_of_launch(settings))
            opened.push_async_callback(lines.aclose)
        context = replace(
            build_resources(settings, database, client, lines, clock), operator=_local_operator()
        )
        yield Attachment(context, settings, settings.ui_url, None, borrowed, live)


@asynccontextmanager
async def _clock_of(database: Database) -> AsyncIterator[DatabaseClock]:
    """What other processes compare with their own instants, such as a launch's signs of life."""
    from outdial.runtime.clock import DatabaseClock, keeping_time

    clock = DatabaseClock(database)
    async with keeping_time(clock):
        yield clock


def _local_operator() -> Operator:
    """Who runs the command, as the system names them."""
    from outdial.domain.operator import COMMAND_LINE, Operator

    try:
        author = f"user {getpass.getuser()}"
    except (KeyError, OSError):
        author = None  # an id without an entry, as in some containers
    return Operator(door=COMMAND_LINE, author=author)


def say_waiting(calls: int) -> None:
    say(f"Waiting for {plural(calls, 'call')} to end; Ctrl-C leaves at once.", to_stderr=True)


async def running_here(settings: Settings) -> Settings | None:
    """The settings of the stack that another command runs here; waits for one that starts."""
    from outdial.runtime.stack.addresses import running_stack, settings_of_running
    from outdial.runtime.stack.statefile import is_owned

    for _ in range(int(STARTING_SECONDS * 10)):
        state = running_stack(settings.state_dir)
        if state is not None:
            return settings_of_running(settings, state)
        if not is_owned(settings.state_dir):
            return None
        await asyncio.sleep(0.1)
    return None


class _NoClient:
    """In place of Temporal's client, whose import takes longer than reading records does."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"a command that reads records alone used Temporal's client: {name}")


async def _find_engine(settings: Settings, hint: str) -> tuple[Settings, Path | None, bool]:
    """The settings of the engine, the directory of its stack if it is another command's, and
    whether it runs. Raises NothingYet."""
    from outdial.runtime.temporal_config import is_configured

    if is_configured(settings):
        return settings, None, True
    running = await running_here(settings)
    if running is not None:
        return running, settings.state_dir, True
    if not _database_exists(settings):
        raise NothingYet(f"nothing has been launched yet in {settings.state_dir}{hint}")
    return settings, None, False


def _open_database(settings: Settings, opened: AsyncExitStack) -> Database:
    from outdial.store.db.database import Database

    database = Database(settings.database, daily_ceiling=settings.daily_ceiling)
    opened.callback(database.dispose)
    return database


async def _connect(settings: Settings, *, lazy: bool) -> Client:
    from outdial.runtime.connection import connect_temporal

    return await connect_temporal(settings, lazy=lazy, within=timedelta(seconds=2))


def _database_exists(settings: Settings) -> bool:
    from outdial.store.db.engines import database_url

    url = database_url(settings.database)
    if url.get_backend_name() != "sqlite":
        return True
    return url.database is not None and Path(url.database).exists()
