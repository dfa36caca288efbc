"""`outdial validate` and `outdial schema`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel

from outdial.cli.exit_codes import FAILED
from outdial.cli.output import fail, plural, say
from outdial.cli.running import settings_or_fail
from outdial.contracts.messages import CampaignResult, RequestCallInput, RequestResult
from outdial.contracts.signatures.launch import LaunchInput
from outdial.domain.line.routing import UnknownLine
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import problem_lines
from outdial.intake.schema import schema_text
from outdial.intake.validation import validate as check
from outdial.providers.asking import not_carried_by
from outdial.runtime.clock import system_clock
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.stack.parts import settings_of_launch
from outdial.services.campaigns.forecasting import forecast
from outdial.services.operations.lines import on_lines, simulated_note


def validate(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    file_only: Annotated[
        bool,
        typer.Option("--file-only", help="Leave the lines of the settings of this machine out."),
    ] = False,
) -> None:
    """Check a campaign file and its contacts, calling nobody.

    Prints every problem, those of contact rows too, as `file:line:column: field: what was
    found, what would be right`. The line that it would call on is checked with the settings found
    here, as `outdial launch` does. Then says who can never be called, by the rules that ship.

    Exit code: 0 nothing is wrong, 1 something is.
    """
    found = check(file)
    if found.loaded is None:
        for line in found.lines():
            sys.stdout.write(line + "\n")
        raise SystemExit(FAILED)
    notes = [] if file_only else _lines_or_fail(found.loaded)
    definition = found.loaded.definition
    say(f"{file}: {definition.name}, {plural(found.count, 'recipient')}, nothing is wrong")
    for note in notes:
        say(note)
    told = forecast(found.loaded, system_clock())
    for count, reason in told.never():
        say(f"{plural(count, 'person', 'people')} can never be called: {reason}")
    for count, reason in told.end_early():
        people = plural(count, "person", "people")
        say(f"{people} will not be called any more at {reason}")


def _lines_or_fail(loaded: LoadedDefinition) -> list[str]:
    """What is to be said of the lines that a launch here would call on."""
    try:
        settings = settings_of_launch(settings_or_fail())
        lines = build_lines(settings)
    except SettingsInvalid as error:
        fail(*error.problems)
    try:
        own = lines.of_tenant(settings.tenant)
        chosen = on_lines(own, loaded).definition
        lost = [
            loaded.source_map.problem(found.path, "not_carried", found.message)
            for found in not_carried_by(own, chosen)
        ]
    except UnknownLine as error:
        message = str(error).removeprefix("line: ")
        problem = loaded.source_map.problem(("line",), error.code, message)
        fail(*problem_lines([problem], 0))
    finally:
        asyncio.run(lines.aclose())
    if lost:
        fail(*problem_lines(lost, 0))
    names = chosen.lines
    said = [f"it would call on line{'s' if len(names) > 1 else ''} {', '.join(names)}"]
    return said + [simulated_note(name) for name in names if own[name].simulated]


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
