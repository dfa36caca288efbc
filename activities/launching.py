"""Writing a campaign down that another service runs: checked as a launch from a door is."""

from __future__ import annotations

import asyncio
import json

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.deps import Deps
from activities.signatures.launch import LaunchActivities, LaunchedCampaign, LaunchInput
from domain.endpoint import EventType
from domain.record import CampaignRecord
from intake.definition import LoadedDefinition, read_definition, read_definition_text
from intake.problems import DefinitionInvalid
from intake.roster import check_roster, read_roster
from providers.lines import UnknownLine
from store import campaigns, roster
from store.errors import CampaignEnded, CampaignRunning, PurposeChanged, ReservedName
from store.outbox import tell_campaign
from store.rulings import read_rulebook

_REFUSED = (DefinitionInvalid, UnknownLine, CampaignEnded, PurposeChanged, ReservedName)


class Launches(LaunchActivities):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    @activity.defn(name="launch_campaign")
    async def launch_campaign(self, launch: LaunchInput) -> LaunchedCampaign:
        try:
            loaded = await asyncio.to_thread(self._load, launch)
            lines = self._deps.lines.of_tenant(launch.tenant)
            for name in loaded.definition.lines:
                lines[name]
            record = await self._write_down(launch, loaded)
        except _REFUSED as error:
            raise ApplicationError(str(error), type="LaunchRefused", non_retryable=True) from error
        return LaunchedCampaign(
            tenant=record.tenant, name=record.name, campaign_id=record.id, launch=record.launch
        )

    def _load(self, launch: LaunchInput) -> LoadedDefinition:
        """Raises DefinitionInvalid, ApplicationError."""
        if launch.file is not None:
            loaded = self._load_file(launch.file)
        elif launch.definition is None:
            raise _refused("found neither definition nor file; write one of them")
        else:
            text = launch.definition
            if not isinstance(text, str):
                text = json.dumps(text, ensure_ascii=False)
            loaded = read_definition_text(text)
        check_roster(loaded).require_good()
        if loaded.definition.webhooks:
            raise _refused("found webhooks; name them as endpoints of the tenant instead")
        return loaded

    def _load_file(self, name: str) -> LoadedDefinition:
        folder = self._deps.campaigns_dir.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise _refused(f"found {name!r}, which is not within the worker's campaigns folder")
        return read_definition(path)

    async def _write_down(self, launch: LaunchInput, loaded: LoadedDefinition) -> CampaignRecord:
        now = self._deps.clock()

        def work(s: Session) -> CampaignRecord:
            rulebook = read_rulebook(s, launch.tenant, now)
            for risk in loaded.definition.accept_risk:
                if not rulebook.has(risk.rule):
                    raise _refused(f"accept_risk: found {risk.rule!r}, which is no rule")
            launched = campaigns.launch_campaign(
                s,
                launch.tenant,
                loaded.definition,
                loaded.source_text,
                now=now,
                again=launch.again,
            )
            record = launched.record
            roster.stage_roster(s, record.id, record.launch, read_roster(loaded))
            tell_campaign(s, record, EventType.CAMPAIGN_STARTED, now=now)
            return record

        try:
            return await self._deps.database.write(work)
        except CampaignRunning as running:
            # This activity wrote it and died before it could say so, or somebody else runs it.
            return running.record


def _refused(why: str) -> ApplicationError:
    return ApplicationError(why, type="LaunchRefused", non_retryable=True)
