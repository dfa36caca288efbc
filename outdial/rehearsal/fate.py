"""What becomes of one call: drawn from the people model, the same for the same seed.

Each call has a random stream of its own, keyed by the seed, the recipient's position and the
attempt. Two rehearsals that call somebody at different times, or in another order, draw the same
numbers for the same attempt, so that what differs between them is due to the definitions, not to
chance (common random numbers).
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import accumulate
from statistics import NormalDist
from struct import Struct
from typing import NamedTuple, Protocol

from outdial.domain.call.status import CALL_ME_LATER, AnsweredBy, CallStatus, FailureClass
from outdial.domain.clocks import load_zone
from outdial.rehearsal.people import Endings, PeopleModel, Spread, thresholds

_DRAWS = Struct(">8I")
_PER_PERSON = 0
"""The attempt under which what is true of a person is drawn."""
_NORMAL = NormalDist()
_P90 = _NORMAL.inv_cdf(0.9)
_TABLE = 4096
"""Steps in which a normally distributed value is drawn."""
_Z = tuple(_NORMAL.inv_cdf((step + 0.5) / _TABLE) for step in range(_TABLE))


class CalledPerson(NamedTuple):
    """What the fate of a call depends on, beside the seed."""

    position: int
    phone: str
    attempt: int
    """1 for the first."""
    zone: str
    """Whose clocks the person reads."""
    ring_timeout: float
    """Seconds."""
    max_duration: float
    """Seconds."""


class Fate(NamedTuple):
    """How a call that was placed goes on."""

    status: CallStatus
    """Its end."""
    rings_after: float | None
    """Seconds after the placement; None: it never rings."""
    ends_after: float
    """Seconds after the placement."""
    answered_after: float | None = None
    """Seconds after the placement; None: nobody and nothing answers."""
    talk_seconds: float = 0.0
    """As it is billed."""
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    disposition: str | None = None
    redial_after: float | None = None
    """Seconds after its end at which the person wants to be called again."""
    dialed: bool = True
    """False: the provider refused the call, and no telephone rang."""


class People(Protocol):
    """Who is at the other end."""

    def fate(self, called: CalledPerson, at: datetime) -> Fate:
        """What becomes of a call that is placed at `at`."""
        ...


class PeopleSource(Protocol):
    """Where people come from. It can be sent to another process."""

    @property
    def source(self) -> str:
        """Where what is known of them comes from, in words."""
        ...

    def with_seed(self, seed: int) -> People:
        """Those of one run."""
        ...


def draws(seed: int, position: int, attempt: int) -> list[float]:
    """Numbers in [0, 1), the same for the same key in every process."""
    key = b"%d/%d/%d" % (seed, position, attempt)
    words = _DRAWS.unpack(hashlib.blake2b(key, digest_size=_DRAWS.size).digest())
    return [word / 2**32 for word in words]


@dataclass(frozen=True, slots=True)
class Modeled:
    """People as a model says they are."""

    model: PeopleModel

    @property
    def source(self) -> str:
        return self.model.source or "a model without a source"

    def with_seed(self, seed: int) -> ModeledPeople:
        return ModeledPeople(self.model, seed)


class _Ending(IntEnum):
    """In the order of the fields of `Endings`."""

    ANSWER = 0
    VOICEMAIL = 1
    SCREENER = 2
    NO_ANSWER = 3
    BUSY = 4
    FAILED = 5
    REJECTED = 6


class ModeledPeople:
    """The people of one run."""

    def __init__(self, model: PeopleModel, seed: int) -> None:
        self._model = model
        self._seed = seed
        week = model.week()
        parts = {endings: _parts(endings) for endings in dict.fromkeys(week)}
        self._week = [parts[endings] for endings in week]
        self._dispositions = (*model.dispositions,)
        self._of_talk = tuple(accumulate(model.dispositions.values()))
        self._never: dict[int, bool] = {}
        """Whether a person never answers, by position."""
        self._hours: dict[tuple[str, datetime], int] = {}
        self._spreads = {
            name: (spread.median, math.log(spread.p90 / spread.median) / _P90)
            for name in PeopleModel.model_fields
            if isinstance(spread := getattr(model, name), Spread)
        }

    def fate(self, called: CalledPerson, at: datetime) -> Fate:
        u = draws(self._seed, called.position, called.attempt)
        reachable, unreachable = self._week[self._hour_of_week(called.zone, at)]
        parts = reachable
        if self._never_answers(called.position):
            parts = unreachable
        ending = min(bisect_right(parts, u[0]), _Ending.REJECTED)
        rings_after = self._seconds("dial_seconds", u[1])
        if ending == _Ending.BUSY:
            return Fate(CallStatus.BUSY, None, rings_after)
        if ending >= _Ending.FAILED:
            rejected = ending == _Ending.REJECTED
            failure = FailureClass.REJECTED if rejected else FailureClass.UNAVAILABLE
            return Fate(CallStatus.FAILED, None, rings_after, failure=failure)
        return self._rung(called, ending, rings_after, u)

    def _never_answers(self, position: int) -> bool:
        share = self._model.unreachable
        if not share:
            return False
        never = self._never.get(position)
        if never is None:
            never = draws(self._seed, position, _PER_PERSON)[0] < share
            self._never[position] = never
        return never

    def _rung(self, called: CalledPerson, ending: int, rings_after: float, u: list[float]) -> Fate:
        ring = called.ring_timeout
        if ending == _Ending.ANSWER:
            ring = self._seconds("ring_seconds", u[2])
        elif ending == _Ending.VOICEMAIL:
            ring = self._seconds("machine_seconds", u[2])
        elif ending == _Ending.SCREENER:
            ring = self._seconds("screener_seconds", u[2])
        if ring >= called.ring_timeout:
            return Fate(CallStatus.NO_ANSWER, rings_after, rings_after + called.ring_timeout)
        answered_by, disposition, kind = self._talk(ending, u)
        talk = min(self._seconds(kind, u[3]), called.max_duration)
        redial = None
        if disposition == CALL_ME_LATER:
            redial = 3600 * self._seconds("redial_hours", u[6])
        return Fate(
            CallStatus.COMPLETED,
            rings_after,
            rings_after + ring + talk,
            answered_after=rings_after + ring,
            talk_seconds=talk,
            answered_by=answered_by,
            disposition=disposition,
            redial_after=redial,
        )

    def _talk(self, ending: int, u: list[float]) -> tuple[AnsweredBy, str | None, str]:
        """Who answers, what the agent says of the talk, and which duration it has."""
        if ending == _Ending.VOICEMAIL:
            return AnsweredBy.MACHINE, None, "voicemail_seconds"
        if ending == _Ending.SCREENER:
            return AnsweredBy.SCREENER, None, "screened_seconds"
        if u[5] < self._model.hang_up:
            return AnsweredBy.HUMAN, self._model.hang_up_disposition, "hang_up_seconds"
        at = bisect_right(self._of_talk, u[4])
        disposition = self._dispositions[at] if at < len(self._dispositions) else None
        return AnsweredBy.HUMAN, disposition, "talk_seconds"

    def _seconds(self, name: str, part: float) -> float:
        median, sigma = self._spreads[name]
        return round(median * math.exp(sigma * _Z[int(part * _TABLE)]), 3)

    def _hour_of_week(self, zone: str, at: datetime) -> int:
        quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        hour = self._hours.get((zone, quarter))
        if hour is None:
            local = quarter.astimezone(load_zone(zone))
            hour = self._hours[zone, quarter] = local.weekday() * 24 + local.hour
        return hour


def _parts(endings: Endings) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The parts of [0, 1) for each ending, of those who answer at times and of those who never do.

    Where people who never answer have no other way to end a call, it is not answered."""
    answer, *others = endings.weights
    if not any(others):
        others[_Ending.NO_ANSWER - 1] = answer
    return thresholds(endings.weights), thresholds((0.0, *others))
