"""The people of the simulated network in a rehearsal: what a launch on that network would meet.

With the network's own seed, each attempt to a number ends as the network would have it end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from outdial.domain.call.status import CALL_ME_LATER, CallStatus, FailureClass
from outdial.providers.simulated.telephony.call import FAILURES
from outdial.providers.simulated.telephony.person import (
    Behaviour,
    PeopleModel,
    Script,
    script_for,
)
from outdial.providers.simulated.telephony.settings import settings_of
from outdial.rehearsal.fate import CalledPerson, Fate


@dataclass(frozen=True, slots=True)
class SimulatedPeople:
    """Those of a simulated network. The seed of a run takes the place of the network's."""

    model: PeopleModel

    @property
    def source(self) -> str:
        return "the simulated network"

    def with_seed(self, seed: int) -> SimulatedPeople:
        return SimulatedPeople(self.model.model_copy(update={"seed": seed}))

    def fate(self, called: CalledPerson, at: datetime) -> Fate:
        """What becomes of a call; its instant does not matter to these people."""
        del at
        script = script_for(self.model, called.phone, called.attempt)
        fate = _fate(script, called)
        scale = self.model.time_scale
        return fate._replace(
            rings_after=_divided(fate.rings_after, scale),
            answered_after=_divided(fate.answered_after, scale),
            ends_after=fate.ends_after / scale,
        )


def read_simulated_people(config: Path | None, **people: Any) -> SimulatedPeople:
    """The people of a network's settings file, if there is one; `people` replaces what it says.

    Raises OSError for a file that can't be read, ValueError for what is no settings file.
    """
    text = "{}" if config is None else config.read_text(encoding="utf-8")
    return SimulatedPeople(settings_of(json.loads(text), people).people)


def _divided(seconds: float | None, scale: float) -> float | None:
    return None if seconds is None else seconds / scale


def _fate(script: Script, called: CalledPerson) -> Fate:
    """In simulated seconds."""
    behaviour, dialed = script.behaviour, script.dial_seconds
    if behaviour is Behaviour.REJECTED:
        return Fate(CallStatus.FAILED, None, 0.0, failure=FailureClass.REJECTED, dialed=False)
    if behaviour is Behaviour.BUSY:
        return Fate(CallStatus.BUSY, None, dialed)
    if behaviour.value in FAILURES:
        return Fate(CallStatus.FAILED, None, dialed, failure=FAILURES[behaviour.value])
    if behaviour is Behaviour.NO_ANSWER or script.ring_seconds >= called.ring_timeout:
        return Fate(CallStatus.NO_ANSWER, dialed, dialed + called.ring_timeout)
    talk = min(script.talk_seconds, called.max_duration)
    # A talk that is cut off has come to nothing.
    disposition = script.disposition if script.talk_seconds <= called.max_duration else None
    later = disposition == CALL_ME_LATER
    return Fate(
        CallStatus.COMPLETED,
        dialed,
        dialed + script.ring_seconds + talk,
        answered_after=dialed + script.ring_seconds,
        talk_seconds=talk,
        answered_by=script.answered_by,
        disposition=disposition,
        redial_after=script.redial_seconds if later else None,
    )
