"""Payloads: as pydantic's own converter writes and reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.contrib.pydantic import pydantic_data_converter

from outdial.domain.call.event import CallEvent
from outdial.domain.call.status import CallStatus
from outdial.runtime.connection import DATA_CONVERTER, SharedPayloadConverter

EVENT = CallEvent(
    event_id="e1", status=CallStatus.RINGING, at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
)
VALUES = [EVENT, None, "text", 3.5, b"bytes", {"a": [1]}]


async def test_payloads_are_those_of_pydantics_converter() -> None:
    written = await DATA_CONVERTER.encode(VALUES)
    assert written == await pydantic_data_converter.encode(VALUES)
    [read] = await DATA_CONVERTER.decode(written[:1], [CallEvent])
    assert read == EVENT


def test_converters_share_their_parts() -> None:
    first, second = SharedPayloadConverter(), SharedPayloadConverter()
    assert first.converters == second.converters
