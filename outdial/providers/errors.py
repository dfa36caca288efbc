"""The errors a provider may raise, by what they prove about the call.

ProviderError
├── NotPlaced            certainly no call was made; a new call row may try again
│   ├── Throttled        too many calls or requests; carries when to come back
│   ├── Rejected         this number will never be dialed by this provider
│   │   └── Unsendable   nothing left: this order can't be built or encoded
│   ├── Refused          this person refuses our calls
│   ├── Blocked          this line's caller id is blocked
│   ├── Misconfigured    this line cannot dial anybody until a person repairs it
│   └── Unavailable      refused or unreachable before anything left
└── PlacementUnknown     the request may have arrived: never send it again
WebhookRefused           a webhook or a tool call is not proven to come from the provider
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from outdial.domain.call.status import FailureClass
from outdial.domain.errors import OutdialError


class ProviderError(OutdialError):
    """The provider could not do what was asked."""

    code = "provider_error"

    failure: ClassVar[FailureClass] = FailureClass.UNAVAILABLE

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.provider_code = code
        """The provider's own code: an HTTP status or a vendor's number."""


class NotPlaced(ProviderError):
    """No call was made."""

    code = "not_placed"


class Throttled(NotPlaced):
    """Too many calls or requests at once."""

    code = "provider_throttled"

    failure = FailureClass.THROTTLED

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Rejected(NotPlaced):
    """This number is not dialed by this provider, now or later."""

    code = "provider_rejected"

    failure = FailureClass.REJECTED


class Unsendable(Rejected):
    """This order can't be written as a request of this provider; the line works for others.

    Of the same class as a number that is never dialed: to try again would change nothing, and
    it says nothing about the line.
    """

    code = "unsendable"


class Refused(NotPlaced):
    """The person refuses calls from us, as the provider knows already."""

    code = "provider_refused"

    failure = FailureClass.REFUSED


class Blocked(NotPlaced):
    """The caller id is blocked: nothing about the person."""

    code = "provider_blocked"

    failure = FailureClass.BLOCKED


class Misconfigured(NotPlaced):
    """Credentials, agent or caller id are wrong: no number can be dialed."""

    code = "provider_misconfigured"

    failure = FailureClass.MISCONFIGURED


class Unavailable(NotPlaced):
    """The connection was never made, or the provider said that it took nothing."""

    code = "provider_unavailable"


class PlacementUnknown(ProviderError):
    """The request may have arrived: a timeout, a reset or a 5xx after it left."""

    code = "placement_unknown"

    failure = FailureClass.UNKNOWN


class WebhookRefused(OutdialError):
    """A webhook is unsigned, badly signed or too old."""

    code = "webhook_refused"
