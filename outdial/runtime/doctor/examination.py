"""Examines an installation: every check that its settings call for, in the order of repair."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from outdial.runtime.clock import system_clock
from outdial.runtime.doctor.database import check_database
from outdial.runtime.doctor.finding import Finding, Level, ok, problem, skipped
from outdial.runtime.doctor.host import check_disks, check_public_url
from outdial.runtime.doctor.lines import check_line_states, check_lines
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings
from outdial.runtime.stack.addresses import running_stack, settings_of_running
from outdial.runtime.temporal_config import is_configured
from outdial.store.db.database import Database
from outdial.store.db.engines import database_url
from outdial.store.lines.lines import list_lines

Clock = Callable[[], datetime]


async def examine(
    environ: Mapping[str, str] | None = None, *, clock: Clock = system_clock
) -> list[Finding]:
    """Every finding; `environ` instead of the process's own environment, `clock` as its host's.

    What can't be checked while something else is broken is left out: that is to be repaired first.
    """
    try:
        settings = load_settings(environ)
        configured = is_configured(settings)
    except SettingsInvalid as error:
        return [_invalid(each) for each in error.problems]
    state = None if configured else running_stack(settings.state_dir)
    if state is not None:
        settings = settings_of_running(settings, state)
    engine, states = await asyncio.gather(
        _temporal(settings, clock, runs=configured or state is not None),
        _database(settings, clock, expected=configured or state is not None),
    )
    findings = [ok("settings", _source(settings)), *states, *engine]
    findings += await check_lines(settings, serving=configured)
    if configured or settings.public_url is not None:
        findings.append(await check_public_url(settings.public_url, settings.outgoing.egress()))
    return [*findings, *check_disks(_folders(settings))]


def _invalid(message: str) -> Finding:
    place, _, _ = message.partition(": ")
    return problem("settings", "settings_invalid", message, f"correct {place}")


def _source(settings: Settings) -> str:
    variables = sum(name.startswith("OUTDIAL_") for name in settings.variables)
    return (
        f"{settings.file} and {variables} variables"
        if settings.file.exists()
        else (f"{variables} variables, and no {settings.file}")
    )


async def _temporal(settings: Settings, clock: Clock, *, runs: bool) -> list[Finding]:
    if not runs:
        return [
            skipped(
                "temporal",
                "none is configured and nothing runs here; `outdial up` starts everything",
            )
        ]
    from outdial.runtime.doctor.temporal import check_temporal_server

    return await check_temporal_server(settings, clock)


async def _database(settings: Settings, clock: Clock, *, expected: bool) -> list[Finding]:
    url = database_url(settings.database)
    file = Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
    if file is not None and not expected and not file.exists():
        return [skipped("database", "there is none yet: nothing has been launched here")]
    database = Database(settings.database, daily_ceiling=settings.daily_ceiling)
    try:
        findings = await check_database(database, settings.database, clock)
        if any(each.level is Level.PROBLEM for each in findings):
            return findings
        lines = await database.read(lambda s: list_lines(s, settings.tenant))
        return [*findings, *check_line_states(lines)]
    finally:
        await asyncio.to_thread(database.dispose)


def _folders(settings: Settings) -> list[tuple[str, Path]]:
    url = database_url(settings.database)
    folders = [("uploads", settings.api.upload_dir or Path(tempfile.gettempdir()))]
    if url.get_backend_name() == "sqlite":
        folders.insert(0, ("the database", Path(str(url.database)).resolve().parent))
    return folders
