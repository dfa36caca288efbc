"""When two reports of a provider are the same: when they say the same.

Most providers don't number what they tell, so an adapter names an event after its call and what it
is about: the end, the analysis. Two reports of one end may say different things, as when a look-up
knows less than the webhook that follows, or an analysis grows. Under one name the second would be
dropped as known, so what a report says is made part of its name.
"""

from __future__ import annotations

import hashlib
import json

from outdial.domain.call.event import CallEvent, EventKind

_NAMES = {"event_id", "kind", "call_id", "provider_call_id", "at"}
"""Which report it is. Its time is no part of that: repeated, a report may have none but ours."""
_PLAIN = {"status", "detail"}
"""A call that goes on: there is nothing to say beside its status."""


def identified(event: CallEvent) -> CallEvent:
    """The event under an id that it shares only with reports that say the same."""
    said = event.model_dump(mode="json", exclude=_NAMES, exclude_defaults=True)
    ends = event.status is not None and event.status.terminal
    if not ends and event.kind is EventKind.STATUS and said.keys() <= _PLAIN:
        return event
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return event.model_copy(update={"event_id": f"{event.event_id}#{digest}"})
