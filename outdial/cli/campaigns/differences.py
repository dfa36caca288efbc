"""How the command line shows what differs between two definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference, Effect
from outdial.domain.definition.source import CsvSource
from outdial.services.campaigns.launching import Launch

EFFECTS: Mapping[Effect, str] = {
    Effect.NONE: "no call depends on it",
    Effect.IMMUTABLE: "can't be changed",
    Effect.NEXT_CLAIM: "from the next claim on",
    Effect.REQUEUE: "waiting recipients are re-evaluated",
    Effect.NEXT_CALL: "calls claimed from now on",
    Effect.NEXT_END: "calls that end from now on",
    Effect.VARIABLES: "rendered again for those who are not done",
    Effect.ROSTER: "recipients",
}
_LONGEST = 60


def difference_lines(differences: Iterable[Difference]) -> Iterator[str]:
    """One line each: `  pacing.max_concurrent: 10 → 20 (from the next claim on)`."""
    for each in differences:
        yield (
            f"  {each.path}: {_shown(each.before)} → {_shown(each.after)} ({EFFECTS[each.effect]})"
        )


def unapplied_lines(path: Path, definition: CampaignDefinition, launch: Launch) -> Iterator[str]:
    """What a launched file says otherwise than the campaign that runs already, and which commands
    show and make the change; none where nothing differs, as far as it was compared."""
    revision, rows = launch.campaign.revision, isinstance(definition.recipients, CsvSource)
    if launch.differences:
        yield f"{path} differs from revision {revision}, which runs:"
        yield from difference_lines(launch.differences)
    elif rows and not launch.resumed:
        yield f"No key of {path} differs from revision {revision}, which runs."
    else:
        return
    if rows:
        yield "The rows of its contact file were not compared."
    yield f"`outdial plan {path}` shows what would change, `outdial apply {path}` applies it."


def _shown(value: str | None) -> str:
    if value is None:
        return "not set"
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
