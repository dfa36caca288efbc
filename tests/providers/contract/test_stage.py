"""What a test of an adapter says when the request is wrong."""

from __future__ import annotations

import pytest

from outdial.providers.adapters.twilio.client import TwilioProvider
from tests.providers.contract.openapi import NotAsPublished
from tests.providers.contract.running import connected
from tests.providers.contract.stage import Stage
from tests.providers.twilio.stage import TwilioStage


class _Wrong(TwilioProvider):
    async def check(self) -> str:
        await self._http.ask("GET", f"{self._calls}.json", params={"Sort": "newest"})
        return ""


@pytest.fixture
def stage() -> Stage:
    return TwilioStage()


async def test_a_request_that_no_document_allows_fails_with_what_is_wrong(stage: Stage) -> None:
    async with stage, connected(_Wrong, stage) as twilio:
        with pytest.raises(NotAsPublished, match="query parameter Sort is not published"):
            await twilio.check()
