"""Search attributes that the workflows set, as Temporal has them registered."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import CallStatus

CAMPAIGN = SearchAttributeKey.for_keyword("Campaign")
CALL_STATUS = SearchAttributeKey.for_keyword("CallStatus")
OUTCOME = SearchAttributeKey.for_keyword("Outcome")
LINE = SearchAttributeKey.for_keyword("Line")
ATTEMPT = SearchAttributeKey.for_int("Attempt")

SEARCH_ATTRIBUTES = (CAMPAIGN, CALL_STATUS, OUTCOME, LINE, ATTEMPT)


def attributes_of_call(call: ClaimedCall) -> TypedSearchAttributes:
    """What a call's workflow is started with."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(CAMPAIGN, call.campaign),
            SearchAttributePair(LINE, call.line),
            SearchAttributePair(ATTEMPT, call.attempt),
            SearchAttributePair(CALL_STATUS, CallStatus.QUEUED.value),
        ]
    )
