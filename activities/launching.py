"""A campaign that another service runs: read, and launched as by API or command line."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeat import heartbeating
from outdial.contracts.signatures.launch import (
    LaunchActivities,
    LaunchedCampaign,
    LaunchInput,
    LaunchRefused,
    Scopes,
)
from outdial.intake.apart import SMALL, parse_apart
from outdial.intake.definition import LoadedDefinition, read_definition, read_definition_text
from outdial.intake.problems import DefinitionInvalid

Launcher = Callable[[str, LoadedDefinition, bool, str, Scopes | None], Awaitable[LaunchedCampaign]]
"""Checks a tenant's campaign, against the scopes of its sender if it is not the operator's
own, and writes it down (again, if it is over) for a workflow run, once for each run; found
running, it is left as it is. Raises LaunchRefused."""


class Launches(LaunchActivities):
    def __init__(self, launcher: Launcher, campaigns_dir: Path) -> None:
        self._launcher = launcher
        self._campaigns_dir = campaigns_dir

    @activity.defn(name="launch_campaign")
    async def launch_campaign(self, launch: LaunchInput) -> LaunchedCampaign:
        info = activity.info()
        requester = f"{info.workflow_id}/{info.workflow_run_id}"
        try:
            async with heartbeating():
                loaded = await parse_apart(_size_of(launch), self._load, launch)
                scopes = launch.scopes if launch.file is None else None
                return await self._launcher(launch.tenant, loaded, launch.again, requester, scopes)
        except (DefinitionInvalid, LaunchRefused) as error:
            raise ApplicationError(str(error), type="LaunchRefused", non_retryable=True) from error

    def _load(self, launch: LaunchInput) -> LoadedDefinition:
        """Read the definition of a launch. Raises DefinitionInvalid, LaunchRefused."""
        if launch.file is not None:
            return self._load_file(launch.file)
        if launch.definition is None:
            raise LaunchRefused("found neither definition nor file; write one of them")
        text = launch.definition
        if not isinstance(text, str):
            text = json.dumps(text, ensure_ascii=False)
        return read_definition_text(text)

    def _load_file(self, name: str) -> LoadedDefinition:
        folder = self._campaigns_dir.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise LaunchRefused(
                f"found {name!r}, which is not within the worker's campaigns folder"
            )
        return read_definition(path)


def _size_of(launch: LaunchInput) -> int:
    """About how many characters are to be parsed: a file, or a tree, may hold many."""
    return len(launch.definition) if isinstance(launch.definition, str) else SMALL + 1
