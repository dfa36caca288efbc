"""The two arms of a canary: who gets the new revision, drawn by a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import Difference, Effect, differences

SMALLEST_SHARE, LARGEST_SHARE = 0.01, 0.5
FEWEST_PEOPLE = 40
"""Expected in the canary: fewer can't be compared with the rest."""
MOST_OBSERVED = 200
"""After so many recipients of the canary it is promoted, however many it has."""


class Arm(StrEnum):
    CANARY = "canary"
    """Called under the new revision."""
    REST = "rest"
    """Called under the present revision, and compared with."""


def arm_of(seed: str, recipient_id: int, share: float) -> Arm:
    """The arm of a recipient: the same for the same seed, and independent of everything else."""
    digest = hashlib.blake2b(f"{seed}/{recipient_id}".encode(), digest_size=8).digest()
    drawn = Fraction(int.from_bytes(digest, "big"), 2**64)
    return Arm.CANARY if drawn < Fraction(share) else Arm.REST


def observations_needed(share: float, people: int) -> int:
    """How many recipients of the canary are observed before it is promoted: half of those that are
    expected in it, at most `MOST_OBSERVED`. `people` are all who wait for a call."""
    return min(MOST_OBSERVED, int(share * people / 2))


def smallest_share(people: int) -> float | None:
    """The smallest share of so many people that can be compared; None where none can."""
    if not people or FEWEST_PEOPLE / people > LARGEST_SHARE:
        return None
    return max(SMALLEST_SHARE, FEWEST_PEOPLE / people)


_PER_CALL = frozenset({Effect.REQUEUE, Effect.NEXT_CALL, Effect.NEXT_END})
_OF_THE_CAMPAIGN = frozenset({"calendar", "max_duration"})
"""Appointments are made by the campaign's own calendar, and the highest cost of a call is computed
by its own `max_duration`."""
_OF_A_LINE = (".agent", ".caller_ids")
"""Keys of a line that concern the calls on it alone."""


def not_comparable(differing: Sequence[Difference]) -> tuple[Difference, ...]:
    """Changes that can't be given to some recipients alone: they are about the whole campaign, or
    about what is kept of all recipients. A list of recipients is not read, and no obstacle."""
    return tuple(each for each in differing if not _is_comparable(each))


def same_but_recipients(one: CampaignDefinition, other: CampaignDefinition) -> bool:
    """Whether two definitions say the same about everything but who is called."""
    return all(each.effect is Effect.ROSTER for each in differences(one, other))


def _is_comparable(difference: Difference) -> bool:
    key, _, rest = difference.path.partition("[")
    if key == "line":
        below = rest.partition("]")[2]
        return below.startswith(_OF_A_LINE)
    if difference.path.partition(".")[0] in _OF_THE_CAMPAIGN:
        return False
    return (
        difference.effect in _PER_CALL
        or difference.effect is Effect.ROSTER
        or difference.path == "description"
    )
