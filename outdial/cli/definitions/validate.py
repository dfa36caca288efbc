"""`outdial validate`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.exit_codes import FAILED
from outdial.cli.output import fail, plural, say
from outdial.cli.running import settings_or_fail

if TYPE_CHECKING:
    from outdial.intake.definition import LoadedDefinition


def validate(
    file: Annotated[Path, typer.Argument(help="The campaign's YAML file.", show_default=False)],
    file_only: Annotated[
        bool,
        typer.Option("--file-only", help="Do not check it against the lines of the settings."),
    ] = False,
) -> None:
    """Check a campaign file and its contacts. No call is placed.

    Prints every problem, those of contact rows included, as `file:line:column: field: what was
    found, what would be right`. The lines it would be called on are checked with the settings
    found here, as `outdial launch` does. Then lists how many recipients the shipped rules forbid
    to call, and why.

    Exit code: 0 no problem, 1 problems.
    """
    from outdial.intake.validation import validate as validate_file
    from outdial.runtime.clock import system_clock
    from outdial.services.campaigns.forecasting import forecast

    now = system_clock()
    validation = validate_file(file, now)
    if validation.loaded is None:
        for line in validation.lines():
            say(line)
        raise SystemExit(FAILED)
    notes = [] if file_only else _lines_or_fail(validation.loaded)
    definition = validation.loaded.definition
    say(f"{file}: {definition.name}, {plural(validation.count, 'recipient')}, nothing is wrong")
    for note in (*notes, *validation.notes):
        say(note)
    expected = forecast(definition, validation.kinds, now)
    for count, reason in expected.never():
        say(f"{plural(count, 'person', 'people')} can never be called: {reason}")
    for count, reason in expected.end_early():
        people = plural(count, "person", "people")
        say(f"{people} will not be called any more at {reason}")


def _lines_or_fail(loaded: LoadedDefinition) -> list[str]:
    """Sentences about the lines that a launch here would call on."""
    from outdial.intake.problems import problem_lines
    from outdial.providers.lines import simulated_note
    from outdial.runtime.lines import build_lines
    from outdial.runtime.settings.file import SettingsInvalid
    from outdial.runtime.stack.addresses import settings_of_launch
    from outdial.services.campaigns.line_check import check_lines

    try:
        settings = settings_of_launch(settings_or_fail())
        lines = build_lines(settings)
    except SettingsInvalid as error:
        fail(*error.problems)
    try:
        check = check_lines(lines.of_tenant(settings.tenant), loaded)
    finally:
        asyncio.run(lines.aclose())
    if check.problems:
        fail(*problem_lines(check.problems, 0))
    plural_s = "s" if len(check.lines) > 1 else ""
    notes = [f"it would call on line{plural_s} {', '.join(check.lines)}"]
    return notes + [simulated_note(name) for name in check.simulated]
