"""How calls end: every status that an adapter knows, after a talk and without one."""

from __future__ import annotations

import re

import pytest

from outdial.domain.call.status import CallStatus
from outdial.providers.adapters.twilio import webhook
from outdial.providers.adapters.twilio.client import TwilioProvider
from outdial.providers.port import Provider
from outdial.providers.reports.status_map import Meaning
from tests.providers.contract.endings import Ending, end_by, maps_of, misread, outcome, words_of
from tests.providers.contract.running import connected, running
from tests.providers.contract.stage import Stage
from tests.providers.twilio.stage import TwilioStage

SPELLED = {
    "busy": CallStatus.BUSY,
    "noanswer": CallStatus.NO_ANSWER,
    "canceled": CallStatus.CANCELED,
    "cancelled": CallStatus.CANCELED,
}
"""Words that leave nothing to interpret, without their punctuation."""


async def test_an_end_is_read_as_the_stage_has_it(stage: Stage, provider: Provider) -> None:
    assert misread(stage, provider) == {}


async def test_every_map_is_listed(stage: Stage, provider: Provider) -> None:
    assert set(maps_of(provider.name)) == stage.endings.keys() | stage.endless
    assert stage.unanswerable | stage.unserved <= stage.endings.keys()


async def test_every_end_that_a_map_knows_is_listed(stage: Stage, provider: Provider) -> None:
    for field, listed in stage.endings.items():
        read = {
            word: outcome(end_by(provider, stage, Ending(provider.name, field, word, False)))
            for word in words_of(provider.name, field)
        }
        missing = {word: end for word, end in read.items() if end not in (None, *listed.values())}
        assert missing == {}, f"{field}: list one of these words in the stage's `endings`"


async def test_a_word_that_is_spelled_like_a_status_is_that_status(stage: Stage) -> None:
    for field, listed in stage.endings.items():
        for word in words_of(stage.provider_class.name, field):
            plain = SPELLED.get(re.sub("[^a-z]", "", word.lower()))
            if plain is not None:
                assert listed.get(word, plain) is plain, f"{field}: {word}"


# --- what the contract finds ---------------------------------------------------------------------


async def test_an_adapter_that_takes_busy_for_completed_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = webhook._MAPS["call_status"].rows
    monkeypatch.setitem(rows, "busy", Meaning(status=CallStatus.COMPLETED))
    async with running(TwilioStage) as stage, connected(TwilioProvider, stage) as twilio:
        assert misread(stage, twilio) == {"twilio:call_status=busy": CallStatus.COMPLETED}


async def test_an_adapter_that_takes_a_talk_for_no_answer_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one does that reads the word alone, and none of the facts beside it."""
    rows = webhook._MAPS["call_status"].rows
    monkeypatch.setitem(rows, "in-progress", Meaning(status=CallStatus.RINGING))
    monkeypatch.setattr(webhook, "number_at", lambda *path: None)
    async with running(TwilioStage) as stage, connected(TwilioProvider, stage) as twilio:
        wrong = misread(stage, twilio)
    assert wrong["twilio:call_status=busy after a talk"] is CallStatus.BUSY
    assert wrong["twilio:call_status=no-answer after a talk"] is CallStatus.NO_ANSWER
