"""`outdial validate` and `outdial schema`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.output import FAILED, plural, say
from intake.schema import schema_text
from intake.validation import validate as check


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


def schema() -> None:
    """Print the JSON Schema of a campaign file.

    Editors complete and check a campaign file by it.
    """
    sys.stdout.write(schema_text())
