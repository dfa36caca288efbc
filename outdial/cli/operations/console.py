"""`outdial console`, and links that sign in to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings

PATH = "/console/sign-in"


def console() -> None:
    """Print a link that signs in to the console of the stack here.

    It signs in once, within 15 minutes and on this machine. Elsewhere, sign in with a key
    (`outdial keys create`).
    """
    run(_print_link(settings_or_fail()))


async def _print_link(settings: Settings) -> int:
    from outdial.runtime.stack.addresses import running_stack, settings_of_running

    state = running_stack(settings.state_dir)
    if state is None:
        fail(
            f"no stack runs in {settings.state_dir}: `outdial up` starts one; the console of "
            "another API process, at /console, is signed in to with a key"
        )
    running = settings_of_running(settings, state)
    if not running.api.console:
        fail("the console is switched off by the settings (api.console)")
    say(await link_of(running, state.endpoints.api))
    return OK


async def link_of(settings: Settings, api: str) -> str:
    """A link to the API process at an address, which signs in once."""
    from outdial.runtime.clock import system_clock
    from outdial.services.accounts.sign_in import make_link_token
    from outdial.store.db.database import Database

    database = Database(settings.database, daily_ceiling=settings.daily_ceiling)
    try:
        token = await make_link_token(database, settings.tenant, system_clock())
    finally:
        database.dispose()
    return f"{api}{PATH}?token={token}"
