"""Far sides that take a key as a bearer token and speak JSON, checked against a description."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from outdial.domain.call.status import CallStatus
from tests.providers.contract.openapi import NotAsPublished, OpenApi
from tests.providers.contract.server import Answer, Request, json_answer
from tests.providers.contract.stage import NOW, FarCall, Stage, iso

API_KEY = "key-of-the-far-side"
SECRET = "whsec_of-the-far-side"


BEGAN = NOW + timedelta(seconds=10)
ENDED = BEGAN + timedelta(seconds=127)


class BearerStage(Stage):
    """A subclass names its description, its dial, and how its answers look."""

    spec: ClassVar[OpenApi]
    dial: ClassVar[str]
    """The path that dials."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, dict[str, Any]] = {}
        """More fields of a call, by its id."""

    def credentials(self) -> dict[str, str]:
        return {"api_key": API_KEY, "webhook_secret": SECRET}

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path == self.prefix + self.dial

    def check_create(self, request: Request) -> None:
        self.spec.check_request(request, self.prefix)
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            raise NotAsPublished("the request carries no key")

    def say(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
        """An answer to the last request, as the description has it."""
        answer = json_answer(content, status, headers)
        return self.spec.check_answer(self.requests[-1], answer, self.prefix)

    def new_id(self, beginning: str) -> str:
        return f"{beginning}{len(self.calls):012x}"

    def began(self, call: FarCall) -> str | None:
        return iso(BEGAN) if call.status not in _BEFORE else None

    def ended(self, call: FarCall) -> str | None:
        return iso(ENDED) if call.status.terminal else None


_BEFORE = frozenset({CallStatus.QUEUED, CallStatus.RINGING})
