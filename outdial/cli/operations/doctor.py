"""`outdial doctor`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.exit_codes import FAILED, OK
from outdial.cli.output import flush_json, plural, say
from outdial.cli.running import run

if TYPE_CHECKING:
    from outdial.runtime.doctor.finding import Finding


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Check everything that calls depend on, and say what to do about each finding.

    Settings, database and schema, Temporal with its namespace, search attributes, workers and
    clock, lines and their providers, the public URL, and room on the disks. Nothing is changed, and
    no call is placed.

    Exit code: 0 no problem was found, 1 there is one.
    """
    run(_doctor(as_json=as_json))


async def _doctor(*, as_json: bool) -> int:
    from outdial.runtime.doctor.examination import examine
    from outdial.runtime.doctor.finding import Level

    findings = await examine()
    problems = [each for each in findings if each.level is Level.PROBLEM]
    if as_json:
        flush_json(json.dumps([asdict(each) for each in findings], ensure_ascii=False))
    else:
        _print(findings)
        warnings = sum(each.level is Level.WARNING for each in findings)
        say(f"{plural(len(problems), 'problem')}, {plural(warnings, 'warning')}.")
    return FAILED if problems else OK


def _print(findings: Sequence[Finding]) -> None:
    width = max(len(each.check) for each in findings)
    for each in findings:
        say(f"{each.level.value:<8} {each.check:<{width}}  {each.text}")
        if each.remedy is not None:
            say(f"{'':<8} {'':<{width}}  → {each.remedy}")
