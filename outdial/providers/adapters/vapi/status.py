"""What Vapi's words mean; the words stand in status.json."""

from __future__ import annotations

import re
from pathlib import Path

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.reports.sip import meaning_of_response
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("status.json"))

ENDED = "ended"
_CANCELED_BY_US = "manually-canceled"
_SIP_RESPONSE = re.compile(r".*-outbound-sip-(?P<code>[4-6]\d\d)(?:-(?P<phrase>.*))?")
"""As Vapi names the final response of a carrier, such as `…-outbound-sip-403-forbidden`."""


def status_of(word: str | None) -> Meaning:
    """A status; nothing for `ended`, whose meaning is in the reason."""
    return _MAPS["status"].meaning_of(word)


def ending_of(reason: str | None, *, started: bool) -> Meaning:
    """An endedReason. `started` is whether the call has a startedAt: it had been answered."""
    response = _SIP_RESPONSE.fullmatch(reason or "")
    if response is not None and reason not in _MAPS["ended_reason"].rows:
        return meaning_of_response(response["code"], response["phrase"])
    meaning = _MAPS["ended_reason"].meaning_of(reason)
    if reason == _CANCELED_BY_US and started:
        return Meaning(status=CallStatus.COMPLETED)
    return meaning


def unexplained() -> Meaning:
    """A call that ended for no reason given."""
    return _MAPS["ended_reason"].otherwise


def failure_of(message: str | None) -> FailureClass | None:
    """The class of an error that has nothing but a message; None for one nobody documented."""
    return _MAPS["message"].meaning_of(message).failure
