"""Activities of `RunCampaignWorkflow`, and their messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from outdial.domain.errors import OutdialError


class LaunchRefused(OutdialError):
    """Launching it once more would change nothing; the text says why."""

    code = "launch_refused"


Scopes = tuple[str, ...]


class LaunchInput(BaseModel):
    # An error says which field is wrong; it is shown where a number may not be.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tenant: str
    definition: dict[str, Any] | str | None = None
    """A campaign file as a JSON object, or as the text of one. It stands in the run's history,
    its recipients too."""
    file: str | None = None
    """Instead, a campaign file in the worker's folder of campaigns."""
    again: bool = False
    """Launch one that is over once more."""
    scopes: tuple[str, ...] | None = None
    """The scopes of the definition's sender, set by the API; None: the operator's own. A file is
    always the operator's own."""


class LaunchedCampaign(BaseModel):
    """A campaign that is stored as running."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    name: str
    campaign_id: int
    launch: int
    foreseen: tuple[str, ...] = ()
    """What a launch says beforehand: who can never be called, and why."""
    own: bool = False
    """Launched by this request or an earlier try of it; else another launch was running."""
    over: bool = False
    """An earlier try launched it, and it has come to its end since."""


class LaunchActivities(ABC):
    """Activities of a campaign that another service runs."""

    @activity.defn(name="launch_campaign")
    @abstractmethod
    async def launch_campaign(self, launch: LaunchInput) -> LaunchedCampaign:
        """Check a definition with its whole roster, and store it."""
