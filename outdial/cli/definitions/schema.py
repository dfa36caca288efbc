"""`outdial schema`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from outdial.cli.output import fail

if TYPE_CHECKING:
    from pydantic import BaseModel

FILES = ("campaign", "people", "policy")
MESSAGES = ("request-call", "request-result", "run-campaign", "campaign-result")
"""Schemas of what other services send through Temporal and get back."""


def schema(
    of: Annotated[
        str, typer.Argument(help=f"{', '.join((*FILES, *MESSAGES))}.", show_default=False)
    ] = "campaign",
) -> None:
    """Print a JSON Schema.

    `campaign` is the schema of a campaign file, with which editors complete and check it, `people`
    that of a people model for `outdial rehearse`, `policy` that of a policy for `outdial plan`. The
    others are those of the inputs and results of RequestCallWorkflow and RunCampaignWorkflow.
    """
    if of == "campaign":
        from outdial.intake.schema import schema_text

        sys.stdout.write(schema_text())
    elif of == "people":
        from outdial.intake.schema import schema_of
        from outdial.rehearsal.people import PeopleModel

        sys.stdout.write(schema_of(PeopleModel, "Outdial people model"))
    elif of == "policy":
        from outdial.intake.schema import schema_of
        from outdial.services.campaigns.plan_policy import PlanPolicy

        sys.stdout.write(schema_of(PlanPolicy, "Outdial plan policy"))
    elif of in MESSAGES:
        sys.stdout.write(_message_schema(of))
    else:
        fail(f"found {of!r}; write {', '.join((*FILES, *MESSAGES))}")


def _message_schema(name: str) -> str:
    from outdial.contracts.messages import CampaignResult, RequestCallInput, RequestResult
    from outdial.contracts.signatures.launch import LaunchInput

    models: tuple[type[BaseModel], ...] = (
        RequestCallInput, RequestResult, LaunchInput, CampaignResult,
    )  # fmt: skip
    model = models[MESSAGES.index(name)]
    mode: Literal["serialization", "validation"] = (
        "serialization" if name.endswith("result") else "validation"
    )
    shown = model.model_json_schema(mode=mode)
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
