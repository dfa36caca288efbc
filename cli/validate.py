"""`outdial validate` and `outdial schema`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel

from activities.signatures.launch import LaunchInput
from cli.output import FAILED, fail, plural, say
from intake.schema import schema_text
from intake.validation import validate as check
from workflows.messages import CampaignResult, RequestCallInput, RequestResult


def validate(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
) -> None:
    """Check a campaign file and its contacts, calling nobody.

    Prints every problem, those of contact rows too, as `file:line:column: field: what was
    found, what would be right`.

    Exit code: 0 nothing is wrong, 1 something is.
    """
    found = check(file)
    if found.loaded is None:
        for line in found.lines():
            sys.stdout.write(line + "\n")
        raise SystemExit(FAILED)
    definition = found.loaded.definition
    say(f"{file}: {definition.name}, {plural(found.count, 'recipient')}, nothing is wrong")


MESSAGES: dict[str, type[BaseModel]] = {
    "request-call": RequestCallInput,
    "request-result": RequestResult,
    "run-campaign": LaunchInput,
    "campaign-result": CampaignResult,
}
"""What other services send through Temporal and get back, by the name of its schema."""


def schema(
    of: Annotated[
        str, typer.Argument(help=f"campaign, {', '.join(MESSAGES)}.", show_default=False)
    ] = "campaign",
) -> None:
    """Print a JSON Schema.

    By that of a campaign file editors complete and check it. The others are those of the input
    and result of RequestCallWorkflow and RunCampaignWorkflow.
    """
    if of == "campaign":
        sys.stdout.write(schema_text())
        return
    if of not in MESSAGES:
        fail(f"found {of!r}; write campaign, {', '.join(MESSAGES)}")
    mode: Literal["serialization", "validation"] = (
        "serialization" if of.endswith("result") else "validation"
    )
    shown = MESSAGES[of].model_json_schema(mode=mode)
    sys.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False) + "\n")
