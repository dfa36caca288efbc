"""Search attributes that the workflows set, as Temporal has them registered."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey

CAMPAIGN = SearchAttributeKey.for_keyword("Campaign")
CALL_STATUS = SearchAttributeKey.for_keyword("CallStatus")
OUTCOME = SearchAttributeKey.for_keyword("Outcome")
LINE = SearchAttributeKey.for_keyword("Line")
ATTEMPT = SearchAttributeKey.for_int("Attempt")

SEARCH_ATTRIBUTES = (CAMPAIGN, CALL_STATUS, OUTCOME, LINE, ATTEMPT)
