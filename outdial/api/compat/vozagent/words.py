"""VozAgent's words for our statuses. Its pages have `queued`, `in-progress`, `completed` and
`failed`; the others are our choice, in the same spelling."""

from __future__ import annotations

from outdial.domain.call.status import CallStatus

STATUS = {status: status.value.replace("_", "-") for status in CallStatus}
MEANT = {word: status for status, word in STATUS.items()}
MEANT["in_progress"], MEANT["no_answer"] = CallStatus.IN_PROGRESS, CallStatus.NO_ANSWER
