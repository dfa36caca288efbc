"""The people at the far end of the line: what one does when called, and how long it takes.

Everything here is pure and reproducible: a seed, a number and an attempt always give the
same script, in every process.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from outdial.domain.call.status import BOOKED, CALL_ME_LATER, OPTED_OUT, AnsweredBy


class Behaviour(StrEnum):
    """What a number does when it is dialed."""

    ANSWER = "answer"
    BOOK = "book"
    CONFIRM = "confirm"
    MOVE = "move"
    """Asks for their appointment to be a week later."""
    CANCEL = "cancel"
    CALL_ME_LATER = "call_me_later"
    OPT_OUT = "opt_out"
    HANG_UP = "hang_up"
    VOICEMAIL = "voicemail"
    SCREENER = "screener"
    """The telephone's call screening answers, and nobody comes on."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CARRIER_FAILURE = "carrier_failure"
    NOT_IN_SERVICE = "not_in_service"
    """The call is taken, and fails because nobody has that number."""
    REJECTED = "rejected"
    """The create itself is refused: the network does not dial that number."""


HUNG_UP = "hung_up"
CONFIRMED = "confirmed"
MOVED = "moved"
APPOINTMENT_CANCELED = "appointment_canceled"

_DISPOSITIONS = {
    Behaviour.BOOK: BOOKED,
    Behaviour.CONFIRM: CONFIRMED,
    Behaviour.MOVE: MOVED,
    Behaviour.CANCEL: APPOINTMENT_CANCELED,
    Behaviour.CALL_ME_LATER: CALL_ME_LATER,
    Behaviour.OPT_OUT: OPTED_OUT,
    Behaviour.HANG_UP: HUNG_UP,
}

_ANSWERERS = {
    Behaviour.VOICEMAIL: AnsweredBy.MACHINE,
    Behaviour.SCREENER: AnsweredBy.SCREENER,
}
"""Who answers in a person's place."""
_LINES = {
    Behaviour.ANSWER: "Person: Yes, that is fine, thank you.",
    Behaviour.BOOK: "Person: Yes, please book me in.",
    Behaviour.CONFIRM: "Person: Yes, I will be there.",
    Behaviour.MOVE: "Person: Could I come a week later, at the same time?",
    Behaviour.CANCEL: "Person: I can't come, please cancel it.",
    Behaviour.CALL_ME_LATER: "Person: I can't talk now, call me later.",
    Behaviour.OPT_OUT: "Person: Take me off your list and don't call again.",
    Behaviour.HANG_UP: "(The person hung up.)",
    Behaviour.VOICEMAIL: "Machine: Please leave a message after the tone.",
    Behaviour.SCREENER: "Screening: Say your name, and why you are calling.",
}

_DEFAULT_WEIGHTS = {
    Behaviour.ANSWER: 0.36,
    Behaviour.BOOK: 0.08,
    Behaviour.CALL_ME_LATER: 0.04,
    Behaviour.OPT_OUT: 0.02,
    Behaviour.HANG_UP: 0.05,
    Behaviour.VOICEMAIL: 0.15,
    Behaviour.NO_ANSWER: 0.20,
    Behaviour.BUSY: 0.07,
    Behaviour.CARRIER_FAILURE: 0.02,
    Behaviour.NOT_IN_SERVICE: 0.005,
    Behaviour.REJECTED: 0.005,
}


def _ordered(span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    if not 0 <= low <= high:
        raise ValueError(f"a range goes from low to high and starts at 0 or above, got {span}")
    return span


def _some_weight(weights: dict[Behaviour, float]) -> dict[Behaviour, float]:
    if any(weight < 0 for weight in weights.values()) or sum(weights.values()) <= 0:
        raise ValueError("weights are not negative and at least one is above 0")
    return weights


Seconds = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""A range of seconds, drawn from evenly."""


class PeopleModel(BaseModel):
    """Who lives at the far end. Seconds are simulated ones: `time_scale` runs them faster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    weights: Annotated[dict[Behaviour, float], AfterValidator(_some_weight)] = Field(
        default_factory=lambda: dict(_DEFAULT_WEIGHTS)
    )
    """How often each behaviour happens, relative to the others; one not named never happens."""
    overrides: dict[str, Annotated[list[Behaviour], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """By number (E.164): what happens at attempt 1, 2, …; the last one repeats."""
    dial_seconds: Seconds = (0.3, 1.5)
    """From the accepted create to ringing, busy or failed."""
    ring_seconds: Seconds = (3.0, 18.0)
    """From ringing to an answer; a ring timeout below it makes a no-answer."""
    talk_seconds: Seconds = (20.0, 120.0)
    hang_up_seconds: Seconds = (1.0, 6.0)
    voicemail_seconds: Seconds = (8.0, 25.0)
    screened_seconds: Seconds = (5.0, 20.0)
    analysis_seconds: Seconds = (1.0, 4.0)
    """From the end of a talk to its analysis."""
    redial_seconds: Seconds = (3600.0, 86400.0)
    """From the analysis to when the person wants to be called: seconds of the clock on the wall."""
    booking_seconds: Seconds = (86400.0, 604800.0)
    """From the analysis to the booked appointment: seconds of the clock on the wall."""
    cost_per_minute: float = Field(default=0.09, ge=0)
    time_scale: float = Field(default=1.0, gt=0)
    """Simulated seconds in one real second."""


@dataclass(frozen=True, slots=True)
class Script:
    """What happens in one call, if nobody ends it first. All seconds are simulated ones."""

    behaviour: Behaviour
    dial_seconds: float
    ring_seconds: float
    talk_seconds: float
    analysis_seconds: float
    redial_seconds: float
    booking_seconds: float

    @property
    def answered_by(self) -> AnsweredBy:
        return _ANSWERERS.get(self.behaviour, AnsweredBy.HUMAN)

    @property
    def disposition(self) -> str | None:
        """The agent's word for how the talk went; None when there is nothing to add."""
        return _DISPOSITIONS.get(self.behaviour)

    @property
    def reply(self) -> str:
        """What the person says, for the transcript."""
        return _LINES.get(self.behaviour, "")


def script_for(model: PeopleModel, number: str, attempt: int) -> Script:
    """The script of one attempt (1 for the first) to one number."""
    digest = hashlib.sha256(f"{model.seed}|{number}|{attempt}".encode()).digest()
    draw = random.Random(int.from_bytes(digest[:8], "big")).random
    # Every draw is made, and always in this order, so that an override or another weight
    # changes what happens but not how long things take.
    behaviour = _weighted(model.weights, draw())
    parts = [draw() for _ in range(6)]
    if override := model.overrides.get(number):
        behaviour = override[min(max(attempt, 1), len(override)) - 1]
    return Script(
        behaviour=behaviour,
        dial_seconds=_within(model.dial_seconds, parts[0]),
        ring_seconds=_within(model.ring_seconds, parts[1]),
        talk_seconds=_within(_talk_range(model, behaviour), parts[2]),
        analysis_seconds=_within(model.analysis_seconds, parts[3]),
        redial_seconds=_within(model.redial_seconds, parts[4]),
        booking_seconds=_within(model.booking_seconds, parts[5]),
    )


def _weighted(weights: dict[Behaviour, float], part: float) -> Behaviour:
    left = part * sum(weights.values())
    # In the order of the enumeration: the order of keys in a configuration must not matter.
    candidates = [behaviour for behaviour in Behaviour if weights.get(behaviour, 0) > 0]
    for behaviour in candidates:
        left -= weights[behaviour]
        if left < 0:
            return behaviour
    return candidates[-1]


def _talk_range(model: PeopleModel, behaviour: Behaviour) -> tuple[float, float]:
    if behaviour is Behaviour.HANG_UP:
        return model.hang_up_seconds
    if behaviour is Behaviour.VOICEMAIL:
        return model.voicemail_seconds
    if behaviour is Behaviour.SCREENER:
        return model.screened_seconds
    return model.talk_seconds


def _within(span: tuple[float, float], part: float) -> float:
    low, high = span
    return low + (high - low) * part
