"""How the command line shows what differs between two definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from outdial.domain.definition.differences import Difference, Effect

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


def _shown(value: str | None) -> str:
    if value is None:
        return "not set"
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
