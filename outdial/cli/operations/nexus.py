"""`outdial nexus`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import running_here
from outdial.cli.exit_codes import OK
from outdial.cli.output import say
from outdial.cli.running import run, settings_or_fail
from outdial.contracts.names import NEXUS_ENDPOINT

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings


def nexus(
    name: Annotated[
        str, typer.Option("--name", help="The endpoint's name in other namespaces.")
    ] = NEXUS_ENDPOINT,
) -> None:
    """Create the Nexus endpoint by which workflows of other namespaces place calls.

    It can be repeated.
    """
    run(_nexus(settings_or_fail(), name))


async def _nexus(settings: Settings, name: str) -> int:
    from outdial.dispatch.nexus import create_endpoint
    from outdial.runtime.connection import connect_temporal
    from outdial.runtime.temporal_config import is_configured

    running = None if is_configured(settings) else await running_here(settings)
    client = await connect_temporal(running or settings)
    created = await create_endpoint(client, name)
    state = "is ready" if created else "existed already"
    say(f"Nexus endpoint {name} {state}: {client.namespace}/outdial")
    return OK
