"""R1, R2, W2, W3 and W6: what a provider's word for an end is taken for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.call.event import CallEnd
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.adapters.elevenlabs.webhook import failure_to_start
from outdial.providers.adapters.livekit.webhook import answer_of
from outdial.providers.adapters.vapi.webhook import ending_of
from outdial.providers.reports.sip import block_or_refusal
from outdial.store.call import events, settlement
from outdial.store.compliance import suppressions
from tests.builders import LINE, House, event, phone
from tests.cases.test_thirty_calls import end_of
from tests.providers.contract.endings import Ending
from tests.providers.contract.stage import TALK

ONE_A_DAY = {"calls": 1, "within": "24h"}


def the_end(provider: str, field: str, word: str, *, talked: bool = False) -> CallEnd:
    end = end_of(Ending(provider, field, word, talked))
    assert end is not None
    return end


def how(end: CallEnd) -> tuple[CallStatus, FailureClass | None]:
    assert end.may_have_rung
    return end.status, end.failure


REFUSED = (CallStatus.FAILED, FailureClass.REFUSED)
BLOCKED = (CallStatus.FAILED, FailureClass.BLOCKED)
MISCONFIGURED = (CallStatus.FAILED, FailureClass.MISCONFIGURED)


@pytest.mark.parametrize("code", ["607", "608"])
@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("twilio", "sip_code"),
        ("telnyx", "rejected_sip_cause"),
        ("livekit", "sip_status_code"),
        ("elevenlabs", "leg_sip_code"),
    ],
)
def test_r1_a_callee_who_answers_607_refuses(provider: str, field: str, code: str) -> None:
    assert how(the_end(provider, field, code)) == REFUSED


@pytest.mark.parametrize("code", ["607-unwanted", "608-rejected"])
def test_r1_as_vapi_would_name_it(code: str) -> None:
    word = f"call.in-progress.error-providerfault-outbound-sip-{code}"
    assert how(the_end("vapi", "ended_reason", word)) == REFUSED


def test_r1_one_call_and_the_person_is_on_the_list(house: House) -> None:
    again = {"delays": "1m"}
    campaign = house.launch(1, caps=[ONE_A_DAY], retry={"max_attempts": 2, "failed": again})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    end = the_end("twilio", "sip_code", "607")
    house.write(lambda s: settlement.end_call(s, call_id, end, now=house.now))
    (change,) = house.write(lambda s: suppressions.history(s, "default", phone(0)))
    assert (change.reason, change.source) == (
        "refused a call",
        f"call {call_id} (failed, SIP 607)",
    )
    for _ in range(60):
        house.later(minutes=1)
        assert not house.claim(campaign).calls
    house.later(hours=48)
    assert not house.claim(campaign).calls, "final"


@pytest.mark.parametrize(
    ("provider", "field", "word"),
    [
        ("twilio", "sip_code", "403"),
        ("telnyx", "rejected_sip_cause", "403"),
        ("livekit", "sip_status_code", "403"),
        ("retell", "disconnection_reason", "scam_detected"),
        ("retell", "disconnection_reason", "no_valid_payment"),
        ("bland", "queue_status", "pre_queue_error"),
    ],
)
def test_r1_what_concerns_the_line_is_an_attempt_all_the_same(
    provider: str, field: str, word: str
) -> None:
    assert how(the_end(provider, field, word)) == MISCONFIGURED


@pytest.mark.parametrize(
    ("provider", "field", "word"),
    [
        ("retell", "disconnection_reason", "marked_as_spam"),
        ("retell", "disconnection_reason", "network_blocked"),
        ("bland", "error_phrase", "Spam or Number Reputation"),
    ],
)
def test_a_block_by_the_network_is_about_the_caller_id(
    provider: str, field: str, word: str
) -> None:
    assert how(the_end(provider, field, word)) == BLOCKED


@pytest.mark.parametrize(
    ("phrase", "failure"),
    [
        ("Network Blocked", FailureClass.BLOCKED),
        ("network-blocked", FailureClass.BLOCKED),
        ("v=analytics1;url=https://example.com", FailureClass.BLOCKED),
        ("Decline", None),
        (None, None),
    ],
)
def test_603_is_told_from_603_plus_by_its_phrase(
    phrase: str | None, failure: FailureClass | None
) -> None:
    status = CallStatus.FAILED if failure else CallStatus.BUSY
    for meaning in (answer_of("603", phrase), failure_to_start("unknown", None, "603", phrase)):
        assert (meaning.status, meaning.failure) == (status, failure)
    reason = block_or_refusal("603", phrase)
    assert (reason.failure if reason else None) is failure
    if phrase == "network-blocked":
        word = f"call.in-progress.error-providerfault-outbound-sip-603-{phrase}"
        assert ending_of(word, started=False).failure is failure


@pytest.mark.parametrize(
    "word",
    [
        "scam_detected",
        "no_valid_payment",
        "marked_as_spam",
        "concurrency_limit_reached",
        "error_asr",
    ],
)
def test_r2_a_talk_is_completed_whatever_retell_calls_its_end(word: str) -> None:
    end = the_end("retell", "disconnection_reason", word, talked=True)
    assert (end.status, end.failure, end.detail) == (CallStatus.COMPLETED, None, word)
    assert end.duration_seconds == TALK.total_seconds()


@pytest.mark.parametrize(
    "word",
    [
        "call.in-progress.error-providerfault-outbound-sip-403-forbidden",
        "call.in-progress.error-providerfault-outbound-sip-480-temporarily-unavailable",
        "call.in-progress.error-providerfault-outbound-sip-503-service-unavailable",
        "call.in-progress.error-providerfault-outbound-sip-607-unwanted",
        "worker-shutdown",
        "pipeline-error-openai-llm-failed",
        "call.in-progress.error-vapifault-openai-llm-failed",
        "levitated",
    ],
)
def test_w2_w3_five_minutes_of_talk_are_a_talk(house: House, word: str) -> None:
    """And the appointment that was confirmed in it counts."""
    campaign = house.launch(1, retry={"max_attempts": 5, "failed": {"delays": "5m"}})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    end = the_end("vapi", "ended_reason", word, talked=True)
    assert (how(end), end.detail) == ((CallStatus.COMPLETED, None), word)
    analysis = event("analysis", kind="analysis", call_id=call_id, disposition="confirmed")
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    settled = house.write(lambda s: settlement.end_call(s, call_id, end, now=house.now))
    assert (settled.outcome, settled.recipient_done) == ("confirmed", True)
    assert not house.write(lambda s: suppressions.history(s, "default", phone(0)))


def test_w2_the_same_reasons_without_a_talk() -> None:
    forbidden = "call.in-progress.error-providerfault-outbound-sip-403-forbidden"
    assert how(the_end("vapi", "ended_reason", forbidden)) == MISCONFIGURED
    assert how(the_end("vapi", "ended_reason", "levitated")) == (
        CallStatus.FAILED,
        FailureClass.UNKNOWN,
    )


def test_w3_an_end_that_the_line_caused_counts_for_the_line() -> None:
    end = the_end("vapi", "ended_reason", "worker-shutdown", talked=True)
    assert end.fault is FailureClass.UNAVAILABLE
    assert the_end("vapi", "ended_reason", "customer-ended-call", talked=True).fault is None


def test_w6_telnyx_hangups() -> None:
    assert how(the_end("telnyx", "rejected_sip_cause", "603")) == (CallStatus.BUSY, None)
    assert how(the_end("telnyx", "rejected_sip_cause", "607")) == REFUSED
    never_answered = (CallStatus.NO_ANSWER, None)
    assert how(the_end("telnyx", "cleared_sip_cause", "487")) == never_answered
    assert how(the_end("telnyx", "hangup_cause", "normal_clearing")) == never_answered
    for field, word in (("cleared_sip_cause", "487"), ("hangup_cause", "normal_clearing")):
        end = the_end("telnyx", field, word, talked=True)
        assert how(end) == (CallStatus.COMPLETED, None)


def test_w6_an_answer_that_only_the_store_heard_of(house: House) -> None:
    """Where workflows are not told of every transition, `call.answered` reaches the store alone."""
    campaign = house.launch(1, retry={"no_answer": {"delays": "5m"}})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    answered = event("answered", call_id=call_id, status="in_progress")
    house.write(lambda s: events.store_events(s, LINE, [answered], now=house.now))
    end = the_end("telnyx", "hangup_cause", "normal_clearing")
    waits = end.model_copy(update={"wait_if_answered": timedelta(minutes=1)})
    settled = house.write(lambda s: settlement.end_call(s, call_id, waits, now=house.now))
    assert (settled.status, settled.settled) == (CallStatus.COMPLETED, False)


@pytest.mark.parametrize("denial", ["no_answer", "busy"])
def test_a_call_that_only_began_was_not_answered_where_its_end_denies_it(denial: str) -> None:
    """`call.started` of some providers may mean that it rings."""
    end = the_end("voxpria", "status", denial)
    started = end.by_facts(answered_before=False, started_before=True)
    assert started.status is CallStatus(denial)
    failed = the_end("voxpria", "status", "failed").by_facts(started_before=True)
    assert failed.status is CallStatus.COMPLETED
