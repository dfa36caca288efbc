"""An order that can't be written as a request: nobody is called, and that is certain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.status import FailureClass
from outdial.providers.errors import NotPlaced, ProviderError
from outdial.providers.http import departure
from outdial.providers.port import Provider
from tests.providers.contract.stage import Stage

SURROGATE = "\ud83d"


_NOBODYS_FAULT = (FailureClass.REJECTED, FailureClass.UNAVAILABLE)


class _Odd:
    """Nothing that JSON or a form knows."""


def _deep() -> dict[str, Any]:
    deepest: dict[str, Any] = {}
    for _ in range(100_000):
        deepest = {"a": deepest}
    return deepest


ODD: dict[str, dict[str, Any]] = {
    "half a character": {"variables": {"name": SURROGATE}},
    "half a character as a name": {"variables": {SURROGATE: "Ada"}},
    "not a number": {"agent_settings": {"x": float("nan")}},
    "endless": {"agent_settings": {"x": {"y": [float("inf")]}}},
    "an object": {"agent_settings": {"x": _Odd()}},
    "too deep": {"agent_settings": {"x": _deep()}},
    "agent": {"agent": SURROGATE},
    "header": {"agent": "a\r\nb: c", "call_id": "x\r\ny"},
    "settings": {"agent_settings": "text"},
    "an agent that is none": {"agent": "reminder"},
    "no agent at all": {"agent": ""},
    "tried again by the provider": {"agent_settings": {"retry": {"wait": 60}}},
    "a caller id of another line": {"caller_id": "+12025550111"},
    "a variable without a name": {"variables": {"": ""}},
    "a long ring": {"ring_timeout": timedelta(minutes=10)},
    "a long talk": {"max_duration": timedelta(hours=4)},
    "no variables": {"variables": {}},
}


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_order_is_refused_or_sent_but_never_in_doubt(
    stage: Stage, provider: Provider, odd: str
) -> None:
    """What a provider has no place for may be left out; then the call is made."""
    before, error = stage.creates, None
    with departure.watching() as departed:
        try:
            await provider.place(stage.order(**ODD[odd]))
        except Exception as raised:
            error = raised
    sent = stage.creates > before
    assert departed.begun == sent
    if not sent:
        # An adapter may fail in its own way: `place_call` looks at whether anything left.
        assert provider.notes_departure
        assert isinstance(error, NotPlaced) or not isinstance(error, ProviderError)
        # Another one's line must not be held for it.
        assert getattr(error, "failure", None) in (None, *_NOBODYS_FAULT)
    stage.violations.clear()


async def test_an_order_that_leaves_is_noted(stage: Stage, provider: Provider) -> None:
    with departure.watching() as departed:
        await provider.place(stage.order())
    assert departed.begun
