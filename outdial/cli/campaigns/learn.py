"""`outdial learn`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import reading_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, plural, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings


def learn(
    name: CampaignName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write the model to this file, which must not exist.",
            show_default="standard output",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write JSON, with all intervals, to standard output.")
    ] = False,
) -> None:
    """Fit a people model to a campaign's own calls, to rehearse with.

    All calls of all its launches that have ended count. The model says how calls end by part of the
    week, how many people never answer, what talks come to, and how long everything takes; each
    figure with the interval in which the true one lies with 95 % confidence. `outdial rehearse FILE
    --people MODEL` takes it.

    Exit code: 0 fitted, 1 no such campaign, or no call of it has ended.
    """
    if out is not None and out.exists():
        fail(f"--out: {out} exists already; name another file")
    run(_learn(settings_or_fail(), name, out, as_json=as_json))


async def _learn(settings: Settings, name: str, out: Path | None, *, as_json: bool) -> int:
    from outdial.cli.campaigns.learned_model import learned_report, model_text
    from outdial.cli.live_line import live_line
    from outdial.services.campaigns.learning import learn_people

    async with reading_records(settings) as at:
        with live_line() as show:
            learned = await learn_people(
                at.context, name, progress=lambda people: show(_in_words(people))
            )
    if out is not None:
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(model_text(learned))
        except OSError as error:
            fail(f"--out: {error.strerror}: {out}")
        calls, people = plural(learned.calls, "call"), plural(learned.people, "person", "people")
        say(f"Wrote {out}, fitted to {calls} to {people}.", to_stderr=as_json)
    if as_json:
        flush_json(json.dumps(learned_report(learned), ensure_ascii=False))
    elif out is None:
        sys.stdout.write(model_text(learned))
    return OK


def _in_words(people: int) -> str:
    return plural(people, "person", "people")
