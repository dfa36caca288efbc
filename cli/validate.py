"""`outdial validate` and `outdial schema`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.output import FAILED, plural, say
from intake.schema import schema_text
from intake.validation import validate as check
from runtime.clock import system_clock
from services.forecasting import forecast


def validate(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
) -> None:
    """Check a campaign file and its contacts, calling nobody.

    Prints every problem, those of contact rows too, as `file:line:column: field: what was
    found, what would be right`. Then says who can never be called, by the rules that ship.

    Exit code: 0 nothing is wrong, 1 something is.
    """
    found = check(file)
    if found.loaded is None:
        for line in found.lines():
            sys.stdout.write(line + "\n")
        raise SystemExit(FAILED)
    definition = found.loaded.definition
    say(f"{file}: {definition.name}, {plural(found.count, 'recipient')}, nothing is wrong")
    told = forecast(found.loaded, system_clock())
    for count, reason in told.never():
        say(f"{plural(count, 'person', 'people')} can never be called: {reason}")
    for count, reason in told.end_early():
        people = plural(count, "person", "people")
        say(f"{people} will not be called any more at {reason}")


def schema() -> None:
    """Print the JSON Schema of a campaign file.

    Editors complete and check a campaign file by it.
    """
    sys.stdout.write(schema_text())
