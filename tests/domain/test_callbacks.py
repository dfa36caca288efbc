"""Which callbacks match a call, and their effects on its settlement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from outdial.domain.call.callback_effects import CallFacts, decide_effects
from outdial.domain.call.settlement import Close, NextAttempt
from outdial.domain.call.status import AnsweredBy
from outdial.domain.decision.reasons import Reason
from outdial.domain.definition.callbacks import Callback, When, matching_callbacks
from outdial.domain.definition.matching import Facts

ENDED = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
DONE = Close(Reason("completed", "the call was completed"))
AGAIN = NextAttempt(ENDED + timedelta(days=1), Reason("call_me_later", "tried again"))
DATA = {"visit": {"reason": "pain", "score": 7, "notes": ["a", "b"]}, "ok": True, "n": "12"}


def when(**conditions: Any) -> When:
    return When.model_validate(conditions)


def callback(do: str, **keys: Any) -> Callback:
    return Callback.model_validate({"do": do} | keys)


def facts(**changes: Any) -> CallFacts:
    values: dict[str, Any] = {
        "outcome": "completed",
        "disposition": None,
        "attempt": 1,
        "answered_by": AnsweredBy.HUMAN,
        "data": {},
        "zones": ("America/New_York",),
        "ended_at": ENDED,
        "max_attempts": 4,
    }
    return CallFacts(**(values | changes))


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"outcome": "failed"}, True),
        ({"outcome": "failed:rejected"}, True),
        ({"outcome": ["busy", "failed:unknown"]}, False),
        ({"disposition": "booked"}, False),
        ({"attempt": [1, 2]}, True),
        ({"attempt": 3}, False),
        ({"answered_by": "human"}, True),
        ({"answered_by": "machine"}, False),
        ({"final": "true"}, True),
        ({"final": False}, False),
        ({"data": {"visit.reason": "pain"}}, True),
        ({"data": {"visit.reason": ["ache", "pain"]}}, True),
        ({"data": {"visit.score": "7"}}, True),
        ({"data": {"visit.score": {"at_least": "7", "at_most": 7}}}, True),
        ({"data": {"visit.score": {"at_least": 8}}}, False),
        ({"data": {"visit.notes.1": "b"}}, True),
        ({"data": {"visit.notes.2": "b"}}, False),
        ({"data": {"visit.notes": {"contains": "a"}}}, True),
        ({"data": {"ok": "true"}}, True),
        ({"data": {"ok": True}}, True),
        ({"data": {"ok": "1"}}, False),
        ({"data": {"n": {"at_most": 11}}}, False),
        ({"data": {"gone": {"exists": False}}}, True),
        ({"data": {"visit": {"exists": True}}}, True),
        ({"data": {"visit": "pain"}}, False),
        ({"outcome": "failed", "attempt": 2}, False),
    ],
)
def test_matching(conditions: dict[str, Any], holds: bool) -> None:
    of_call = Facts("failed:rejected", None, 1, AnsweredBy.HUMAN, True, DATA)
    assert when(**conditions).matches(of_call) is holds


def test_positions_are_those_of_the_definition() -> None:
    listed = (
        callback("suppress", when={"outcome": "busy"}),
        callback("suppress"),
        callback("webhook", url="https://example.com"),
    )
    assert [at for at, _ in matching_callbacks(listed, Facts("completed"))] == [1, 2]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"do": "webhook"}, "found do: webhook without url; write it below"),
        ({"do": "email", "to": "a@b.c"}, "found do: email without subject; write it below"),
        ({"do": "suppress", "url": "x"}, "found url with do: suppress; it belongs to webhook"),
        (
            {"do": "webhook", "url": "x", "undo": True},
            "found undo with do: webhook; it belongs to",
        ),
        ({"do": "webhook", "url": "x", "body": "y"}, "write keys and templates"),
        ({"do": "redial", "retry": {"max_attempts": 3}}, "found retry with do: redial"),
        ({"do": "run_code"}, "Input should be"),
        ({"do": "suppress", "when": {"code": "1"}}, "Extra inputs"),
        ({"do": "suppress", "when": {"data": {"a": {"like": "x"}}}}, "Extra inputs"),
    ],
)
def test_what_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Callback.model_validate(keys)


def test_a_person_is_redialed_at_the_requested_time() -> None:
    requested = facts(outcome="call_me_later", data={"call_at": "2026-03-05T15:00"})
    effects = decide_effects((callback("redial"),), requested, AGAIN)
    assert isinstance(effects.following, NextAttempt)
    assert effects.following.promised
    assert effects.following.not_before == datetime(2026, 3, 5, 20, 0, tzinfo=UTC)


def test_where_zones_differ_the_latest_instant_counts() -> None:
    zones = ("America/New_York", "America/Chicago")
    requested = facts(data={"when": "2026-03-05T15:00"}, zones=zones)
    effects = decide_effects((callback("redial", at="when"),), requested, DONE)
    assert isinstance(effects.following, NextAttempt)
    assert effects.following.not_before == datetime(2026, 3, 5, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "following"),
    [
        ({"data": {"call_at": "tomorrow"}}, AGAIN),
        ({"data": {"call_at": "2026-03-04T09:00"}}, AGAIN),
        ({"data": {"call_at": "2036-03-04T09:00"}}, AGAIN),
        ({"attempts_made": 4, "data": {"call_at": "2026-03-05T15:00"}}, DONE),
        ({"recipient_closed": True, "data": {"call_at": "2026-03-05T15:00"}}, DONE),
        ({"data": {"call_at": "2026-03-05T15:00"}}, Close(Reason("opted_out", "no"), "no")),
    ],
)
def test_a_promise_that_cannot_be_kept_changes_nothing(
    changes: dict[str, Any], following: NextAttempt | Close
) -> None:
    effects = decide_effects((callback("redial"),), facts(**changes), following)
    assert effects.following == following
    assert effects.unmet == {0}
    assert effects.notes[0]


def test_seconds_ago_means_now() -> None:
    requested = facts(data={"call_at": "2026-03-04T14:59:30Z"})
    effects = decide_effects((callback("redial"),), requested, AGAIN)
    assert isinstance(effects.following, NextAttempt)
    assert effects.following.not_before == ENDED


def test_suppression_ends_the_recipient() -> None:
    wrong = callback("suppress", reason="wrong number", when={"disposition": "wrong_number"})
    effects = decide_effects((wrong,), facts(disposition="wrong_number"), AGAIN)
    assert isinstance(effects.following, Close)
    assert effects.suppress == ["wrong number"]


def test_whether_a_call_is_final_is_decided_after_redials() -> None:
    last = callback("webhook", url="https://example.com", when={"final": True})
    requested = facts(data={"call_at": "2026-03-05T15:00"})
    assert decide_effects((last,), requested, DONE).deferred == [(0, last)]
    assert decide_effects((callback("redial"), last), requested, DONE).deferred == []


def test_deferred_callbacks_keep_their_order() -> None:
    listed = (
        callback("email", to="a@b.c", subject="s", body="b"),
        callback("enroll", campaign="other"),
        callback("webhook", url="https://example.com"),
    )
    effects = decide_effects(listed, facts(), DONE)
    assert [at for at, _ in effects.deferred] == [0, 2]
    assert [at for at, _ in effects.enroll] == [1]
