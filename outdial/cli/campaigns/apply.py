"""`outdial apply` and `rollback`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.cli.attachment import changing_records
from outdial.cli.campaign_name import CampaignName
from outdial.cli.exit_codes import OK
from outdial.cli.output import console, flush_json, plural, say
from outdial.cli.running import run, settings_or_fail
from outdial.services.campaigns.roster_mode import RosterMode

if TYPE_CHECKING:
    from outdial.runtime.settings.settings import Settings
    from outdial.services.campaigns.applying import Applied

ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", help="Why; kept with the revision.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]


def apply(
    file: Annotated[
        Path,
        typer.Argument(help="The campaign's YAML file, or a plan of it.", show_default=False),
    ],
    recipients: Annotated[
        RosterMode | None,
        typer.Option(
            "--recipients",
            help="add: add who is new; the default. match: also remove who is not in the file any "
            "more. keep: don't read the contacts; the default with --canary.",
            show_default=False,
        ),
    ] = None,
    canary: Annotated[
        str | None,
        typer.Option(
            "--canary",
            metavar="SHARE",
            help="Try it on this share of the recipients first, such as 5%: it is promoted or "
            "taken back by itself.",
            show_default=False,
        ),
    ] = None,
    reason: ReasonOption = None,
    revision: Annotated[
        int | None,
        typer.Option(
            "--from",
            min=1,
            help="Only if the campaign is at this revision.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a running campaign match its changed file.

    Hours, pacing, retries, agent, lines, caps, variables, callbacks and the end date are in force
    at once; name, purpose and the calendar's time zone can't be changed. Calls that are claimed
    run out as they were, unless they may not be made any more. New people are added; nobody is
    removed without --recipients match. The file and its contacts are checked first: all of it is
    applied, or nothing.

    A plan (`outdial plan --out`) is refused once the file, its contacts, the rules, the time zone
    data or the campaign have changed since.
    """
    settings = settings_or_fail()
    share = None if canary is None else _share(canary)
    if share is not None and recipients not in (None, RosterMode.KEEP):
        raise typer.BadParameter(
            "a canary adds and removes nobody; leave --recipients out", param_hint="--recipients"
        )
    run(_apply(settings, file, recipients, reason, revision, share, as_json=as_json))


def rollback(
    name: CampaignName,
    revision: Annotated[
        int | None,
        typer.Argument(
            min=1,
            help="The revision to go back to. Default: the one before the present, of the same "
            "launch; while a canary runs, the present one.",
            show_default=False,
        ),
    ] = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply an earlier revision of a campaign again, or take its canary back.

    It becomes a new revision. Nobody is added or removed: to undo that, apply the earlier file
    with --recipients match.
    """
    run(_roll_back(settings_or_fail(), name, revision, reason, as_json=as_json))


async def _apply(
    settings: Settings,
    file: Path,
    mode: RosterMode | None,
    reason: str | None,
    revision: int | None,
    canary: float | None,
    *,
    as_json: bool,
) -> int:
    from outdial.cli.campaigns.planned_file import read_campaign_file
    from outdial.cli.campaigns.staging import showing_progress
    from outdial.services.campaigns.applying import apply_definition
    from outdial.services.campaigns.plan_check import require_fresh

    campaign = read_campaign_file(file)
    async with (
        changing_records(settings, with_lines=True) as at,
        showing_progress(at.context, console(stderr=True)) as progress,
    ):
        if campaign.planned is not None:
            await require_fresh(at.context, campaign.loaded, campaign.planned)
            revision = revision or campaign.planned.revision
        applied = await apply_definition(
            at.context,
            campaign.loaded,
            mode=mode or RosterMode.ADD,
            reason=reason,
            expected=revision,
            live=at.live,
            progress=progress,
            canary=canary,
        )
    _show(applied, as_json=as_json)
    return OK


async def _roll_back(
    settings: Settings, name: str, revision: int | None, reason: str | None, *, as_json: bool
) -> int:
    from outdial.services.campaigns.applying import roll_back

    async with changing_records(settings, with_lines=True) as at:
        applied = await roll_back(at.context, name, revision, reason=reason, live=at.live)
    _show(applied, as_json=as_json)
    return OK


def _share(text: str) -> float:
    """`5%` or `5`. Raises BadParameter."""
    number = text.strip().removesuffix("%")
    try:
        return float(number) / 100
    except ValueError:
        raise typer.BadParameter(
            f"found {text!r}; write a share such as 5%", param_hint="--canary"
        ) from None


def _show(applied: Applied, *, as_json: bool) -> None:
    from outdial.cli.campaigns.canary import begun_in_words
    from outdial.cli.campaigns.differences import difference_lines

    if as_json:
        flush_json(json.dumps(_document(applied)))
        return
    name = applied.campaign.name
    if not applied.changed:
        say(f"Nothing differs: {name} stays at revision {applied.before}.")
    elif applied.canary is not None:
        say(f"{name} stays at revision {applied.before}. {begun_in_words(applied.canary)}")
    else:
        say(f"{name} is at revision {applied.campaign.revision}; it was at {applied.before}.")
    for line in difference_lines(applied.differences):
        say(line)
    for line in _roster_lines(applied):
        say(line)
    if applied.changed and applied.noted_only:
        say("No engine is running; it takes effect when one starts.")


def _roster_lines(applied: Applied) -> list[str]:
    roster, lines = applied.roster, []
    if applied.changed and roster.added:
        lines.append(f"  {plural(roster.added, 'recipient')} added")
    if applied.changed and roster.changed:
        lines.append(f"  {plural(roster.changed, 'recipient')} with changed values")
    if applied.changed and applied.removed:
        lines.append(f"  {plural(applied.removed, 'recipient')} removed")
    elif roster.missing:
        are = "is" if roster.missing == 1 else "are"
        stay = "stays" if roster.missing == 1 else "stay"
        lines.append(
            f"{plural(roster.missing, 'recipient')} of the campaign {are} not in the file, and "
            f"{stay}; `--recipients match` removes {'it' if roster.missing == 1 else 'them'}."
        )
    return lines


def _document(applied: Applied) -> dict[str, object]:
    from outdial.cli.campaigns.canary import canary_document

    roster = asdict(applied.roster) | {"removed": applied.removed}
    return {
        "name": applied.campaign.name,
        "state": applied.campaign.state.value,
        "revision": applied.campaign.revision,
        "before": applied.before,
        "changed": applied.changed,
        "differences": [asdict(each) for each in applied.differences],
        "roster": roster,
        "noted_only": applied.noted_only,
        "canary": None if applied.canary is None else canary_document(applied.canary),
    }
