"""Calls: what claims decide, how long a call takes to be placed, and how providers answer."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)

CLAIM_SECONDS = Histogram(
    "outdial_claim_duration_seconds",
    "Time that one claim of a campaign took, the wait for the database included.",
    buckets=_SHORT,
)
CLAIMED_CALLS = Counter("outdial_claimed_calls", "Calls that claims have reserved.", ["line"])
DECISIONS = Counter(
    "outdial_decisions",
    "Decisions of claims about one recipient each: dial, wait or never, with the reason's code."
    " Recipients that are put off together are not counted.",
    ["decision", "reason"],
)
FENCE_WAIT = Histogram(
    "outdial_fence_wait_seconds",
    "Time from the start of a placement until the fence let the call pass or withdrew it: the"
    " database, and the calls per second of the line.",
    ["line"],
    buckets=(*_SHORT, 30.0),
)
DIAL_LATENESS = Histogram(
    "outdial_dial_lateness_seconds",
    "Time from the instant for which a recipient was due until the provider took the call; for one"
    " who could be called at once, from the claim.",
    ["line"],
    buckets=_LONG,
)
SLOT_REFILL = Histogram(
    "outdial_slot_refill_seconds",
    "Time that a slot of a line stayed empty between two calls, where one worker ended the one and"
    " claimed the other within a minute.",
    ["line"],
    buckets=(0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0),
)
PLACEMENTS = Counter(
    "outdial_placements",
    "Results of placing a call: placed, not_placed, unknown or withdrawn.",
    ["line", "result"],
)
PROVIDER_SECONDS = Histogram(
    "outdial_provider_request_duration_seconds",
    "Requests to providers: place, look_up, find or end. The result is ok, or the class of the"
    " failure, such as throttled, unavailable or unknown.",
    ["line", "operation", "result"],
    buckets=(*_SHORT, 30.0),
)
CALLS_ENDED = Counter(
    "outdial_calls_ended", "Calls that ended, by the status they ended with.", ["line", "status"]
)
OPT_OUT_SECONDS = Histogram(
    "outdial_opt_out_to_silence_seconds",
    "Time from the report by which a call suppressed a number until every call in flight to that"
    " number had been signalled to hang up; no other can be placed by then.",
    buckets=_LONG,
)
