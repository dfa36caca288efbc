"""What a service refuses. Doors turn each into their own words: an exit code, an HTTP status.

ServiceError
├── NoSuchCampaign        no campaign of this name
├── LaunchClosing         its last launch has ended, but its workflow has not closed yet
├── NobodyCallable        a launch by which nobody could ever be called
├── NoSuchPerson          nobody on the roster has this number
├── RulesInvalid          rules, or a place, that cannot be
├── ChangeRefused         the campaign's state does not allow that
├── RequestRefused        this call cannot be asked for
├── NobodyAnswered        asked, but no worker took it up; it may still happen
└── TemporalUnavailable   nobody could be asked
"""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.service import RPCError

TEMPORAL_DOWN = (RPCError, RuntimeError)
"""What a client raises when its server does not answer: RPCError, or, when it has not been able
to connect for the first time, a bare RuntimeError."""


class ServiceError(Exception):
    """Not done; the text says why, and what would be right."""


class NoSuchCampaign(ServiceError):
    def __init__(self, name: str, known: list[str]) -> None:
        listed = ", ".join(known) if known else "none has been launched yet"
        super().__init__(f"there is no campaign {name!r}; known are: {listed}")
        self.name = name


class NobodyCallable(ServiceError):
    def __init__(self, name: str, never: Sequence[tuple[int, str]]) -> None:
        reasons = "; ".join(f"{count} people: {reason}" for count, reason in never[:5])
        super().__init__(f"nobody on the roster of {name} can ever be called: {reasons}")


class NoSuchPerson(ServiceError):
    def __init__(self, name: str, masked: str) -> None:
        super().__init__(f"nobody on the roster of {name} has the number {masked}")


class RulesInvalid(ServiceError):
    """Its text says what was found and what would be right, a line for each problem."""


class LaunchClosing(ServiceError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the last launch of {name} is still being closed; try again in a moment")


class ChangeRefused(ServiceError):
    """Its text is the store's own."""


class RequestRefused(ServiceError):
    """Its text says what is wrong with the request."""


class NobodyAnswered(ServiceError):
    def __init__(self, name: str) -> None:
        super().__init__(f"no worker answered for {name}; the change is made as soon as one runs")


class TemporalUnavailable(ServiceError):
    def __init__(self, doing: str) -> None:
        super().__init__(f"Temporal does not answer, so {doing}")
