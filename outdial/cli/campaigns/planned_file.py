"""The file of a plan: which campaign file it is of, and what it was made of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from outdial.cli.output import fail
from outdial.domain.definition.fingerprint import PlanFingerprint
from outdial.intake.definition import LoadedDefinition, read_definition, read_definition_file
from outdial.intake.problems import DefinitionInvalid, Problem
from outdial.intake.validation import validate
from outdial.services.campaigns.plan_document import PlanDocument

_MARK = '{"outdial_plan":'
"""How such a file begins: no campaign file does."""


class PlanFile(BaseModel):
    """What `outdial plan --out` writes."""

    model_config = ConfigDict(extra="forbid")

    outdial_plan: Literal[1] = 1
    """The version of this format."""
    file: str
    """The campaign file, as it is found from the folder of this one."""
    inputs: PlanFingerprint
    plan: PlanDocument


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A campaign file that a command was given, by itself or by a plan of it."""

    path: Path
    """Of the campaign file itself."""
    loaded: LoadedDefinition
    planned: PlanFingerprint | None = None
    """What the plan was made of."""


def write_plan(path: Path, campaign: Path, document: PlanDocument) -> None:
    """Write the plan of a campaign file. Raises OSError."""
    file = os.path.relpath(campaign.resolve(), path.resolve().parent)
    written = PlanFile(file=file, inputs=document.inputs, plan=document)
    path.write_text(written.model_dump_json() + "\n", encoding="utf-8")


def read_campaign_file(path: Path) -> CampaignFile:
    """Read a campaign file, or the one of a plan; for an invalid one, every problem is printed,
    those of contacts included."""
    try:
        file, planned = _find(path)
    except DefinitionInvalid as error:
        fail(*str(error).splitlines())
    try:
        return CampaignFile(file, read_definition(file), planned)
    except DefinitionInvalid:
        fail(*validate(file).lines())


def _find(path: Path) -> tuple[Path, PlanFingerprint | None]:
    text = read_definition_file(path)
    if not text.startswith(_MARK):
        return path, None
    try:
        plan = PlanFile.model_validate_json(text)
    except ValidationError:
        message = "found a plan that is damaged or of another version; make a new one"
        problem = Problem(str(path), 1, 1, "file", "plan_unreadable", message)
        raise DefinitionInvalid([problem]) from None
    return path.parent / plan.file, plan.inputs
