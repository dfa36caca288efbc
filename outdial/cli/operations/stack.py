"""`outdial up`, `outdial migrate` and `outdial setup`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outdial.cli.attachment import say_waiting
from outdial.cli.exit_codes import FAILED, OK
from outdial.cli.output import fail, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings


def up() -> None:
    """Run everything on this machine until Ctrl-C.

    Starts Temporal's development server, a simulated telephone network, the API and a worker.
    Their data is kept in the state directory, so the next start resumes from it. `outdial launch`
    in another terminal uses them.
    """
    from outdial.runtime.temporal_config import is_configured, temporal_address

    settings = settings_or_fail()
    if is_configured(settings):
        fail(
            f"Temporal is configured ({temporal_address(settings)}), so nothing is started here: "
            "run `python worker.py` and `python -m outdial.api`"
        )
    try:
        run(_up(settings))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("Stopped. Campaigns resume at the next start.", to_stderr=True)
        raise SystemExit(OK) from None


def migrate() -> None:
    """Bring the database's schema up to date.

    It can be repeated, and run by several processes at once.
    """
    run(_migrate(settings_or_fail()))


def setup() -> None:
    """Prepare a Temporal cluster.

    Registers the search attributes and the schedule of the sweepers, in the cluster that
    Temporal's own configuration names: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the others, or a
    profile. It can be repeated.
    """
    run(_setup(settings_or_fail()))


async def _up(settings: Settings) -> int:
    from outdial.cli.operations.console import link_of
    from outdial.runtime.stack.embedded import EmbeddedStack

    say(f"Starting in {settings.state_dir} …")
    async with EmbeddedStack(settings, on_waiting=say_waiting) as stack:
        ends = stack.state.endpoints
        for label, value in (
            ("Temporal UI", ends.ui),
            ("Temporal", ends.temporal),
            ("API", ends.api),
            ("simulated network", ends.network),
            ("logs", str(settings.state_dir / "logs")),
        ):
            say(f"  {label:<18} {value}")
        if stack.settings.api.console:
            say(f"  {'console':<18} {await link_of(stack.settings, ends.api)}")
            say(f"  {'':<18} (signs in once, on this machine; `outdial console` makes another)")
        say("Running; Ctrl-C stops it. Launch a campaign in another terminal.")
        await stack.failure()
    return FAILED


async def _migrate(settings: Settings) -> int:
    from outdial.runtime.settings.settings import DATABASE_FILE
    from outdial.runtime.stack.statefile import private_file
    from outdial.store.db.database import Database

    if settings.database_url is None:
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file(settings.state_dir / DATABASE_FILE)
    database = Database(settings.database, daily_ceiling=settings.daily_ceiling)
    try:
        await asyncio.to_thread(database.migrate)
    finally:
        database.dispose()
    say("The database is up to date.")
    return OK


async def _setup(settings: Settings) -> int:
    from outdial.runtime.connection import (
        connect_temporal,
        ensure_sweep_schedule,
        register_search_attributes,
    )
    from outdial.runtime.temporal_config import temporal_address

    client = await connect_temporal(settings)
    added = await register_search_attributes(client)
    await ensure_sweep_schedule(client, settings)
    what = ", ".join(added) if added else "none was missing"
    say(f"Namespace {client.namespace} at {temporal_address(settings)} is ready.")
    say(f"  search attributes added: {what}")
    return OK
