"""One person was called 30 times in an hour: no word of a provider does that again.

Every word of every status map, and one of tomorrow, after no answer and after a talk: from the
report, read by its adapter, to the end that the call's workflow makes of it and the store settles.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import BreakerPolicy
from outdial.store.call import events, settlement
from tests.builders import House, phone
from tests.cases import endings
from tests.cases.endings import events_of
from tests.providers.contract.endings import Ending
from tests.providers.contract.endings import end_of as read_end

ATTEMPTS = 2
AGAIN = {"delays": "1m", "max_attempts": 50}
RETRY = dict.fromkeys(
    ("busy", "no_answer", "voicemail", "failed", "unknown", "call_me_later"), AGAIN
)
ALL = endings.endings()


def end_of(ending: Ending) -> CallEnd | None:
    """As the call's workflow reads it; None where the word tells of a call that goes on."""
    return read_end(events_of(ending))


@pytest.mark.parametrize("provider", sorted(endings.providers()))
def test_after_a_talk_it_is_completed_whatever_the_word(provider: str) -> None:
    wrong = {}
    for ending in ALL:
        if ending.provider != provider or not ending.talked or not endings.may_be_answered(ending):
            continue
        end = end_of(ending)
        if end is not None and end.status is not CallStatus.COMPLETED:
            wrong[str(ending)] = end.status
    assert not wrong


def test_every_reason_that_vapi_publishes_is_completed_after_a_talk() -> None:
    """All of the enumeration, not those of the map alone (W2, W3)."""
    text = (Path(__file__).parents[1] / "providers/vapi/openapi.json").read_text()
    reasons = json.loads(text)["components"]["schemas"]["Call"]["properties"]["endedReason"]["enum"]
    assert len(reasons) > 590
    ends = {word: end_of(Ending("vapi", "ended_reason", word, True)) for word in reasons}
    assert {end.status for end in ends.values() if end is not None} == {CallStatus.COMPLETED}
    assert all(end is not None and end.detail == word for word, end in ends.items())


def test_no_word_says_that_nothing_was_dialed() -> None:
    ends = [end for ending in ALL if (end := end_of(ending)) is not None]
    assert len(ends) > 300
    assert all(end.may_have_rung for end in ends)


def _alike() -> dict[str, list[Ending]]:
    """Endings by all that the store sees of them."""
    groups: dict[str, list[Ending]] = defaultdict(list)
    for ending in ALL:
        end = end_of(ending)
        if end is not None:
            groups[end.model_dump_json(exclude={"at", "detail"})].append(ending)
    return groups


class Day:
    """A virtual day of a campaign in which each person's calls always end in the same way."""

    def __init__(self, house: House, ends: list[CallEnd], **changes: Any) -> None:
        self._house = house
        self._ends = {phone(n): end for n, end in enumerate(ends)}
        self._campaign = house.launch(len(ends), **changes)
        self.left: Counter[str] = Counter()

    def run(self) -> None:
        house = self._house
        until = house.now + timedelta(days=1)
        while house.now < until:
            claim = house.claim(self._campaign)
            for claimed in claim.calls:
                self._call(claimed.call_id)
            if not claim.calls:
                if claim.wake_at is None:
                    return
                house.now = max(claim.wake_at, house.now + timedelta(seconds=1))

    def _call(self, call_id: str) -> None:
        house = self._house
        number = house.request_of(call_id).to
        self.left[number] += 1
        assert self.left[number] <= 40, "a storm of calls"
        house.write(lambda s: events.record_placed(s, call_id, f"p-{call_id}", now=house.now))
        end = self._ends[number].model_copy(update={"at": house.now})
        house.write(lambda s: settlement.end_call(s, call_id, end, now=house.now))


@pytest.mark.parametrize(
    ("most", "limits"),
    [
        (ATTEMPTS, {"retry": {"max_attempts": ATTEMPTS, **RETRY}}),
        (1, {"retry": {"max_attempts": 50, **RETRY}, "caps": [{"calls": 1, "within": "24h"}]}),
    ],
    ids=["attempts", "cap"],
)
def test_no_word_leads_to_more_calls_in_a_day_than_allowed(
    house: House, most: int, limits: dict[str, Any]
) -> None:
    """The line is one of the simulated network, to which the daily ceiling does not apply."""
    # A line that fails so many would open its circuit, and call nobody for a while.
    house.line(breaker=BreakerPolicy(min_attempts=100_000))
    groups = list(_alike().values())
    ends = [end for group in groups if (end := end_of(group[0])) is not None]
    day = Day(house, ends, **limits)
    day.run()
    storms = {str(groups[n][0]): day.left[phone(n)] for n in range(len(ends))}
    assert max(storms.values()) <= most, storms
    assert set(storms.values()) >= {1}, "everybody was called"
    assert 0 not in storms.values()


def test_the_day_would_see_a_storm(house: House) -> None:
    """As it was: the word of a report taken for the answer to the placement."""
    end = CallEnd(
        status=CallStatus.FAILED,
        at=house.now,
        failure=FailureClass.MISCONFIGURED,
        may_have_rung=False,
    )
    day = Day(house, [end], retry={"max_attempts": ATTEMPTS})
    call_id = house.claim_one(day._campaign).call_id
    house.fence(call_id)
    house.write(lambda s: settlement.end_call(s, call_id, end, now=house.now))
    house.later(minutes=1)
    assert house.claim(day._campaign).calls, "due again in a minute, and counted by nothing"
