"""A long list of numbers is kept in steps; none of them waits for a signal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from outdial.resources.resources import Resources
from outdial.services.compliance import suppressing
from outdial.services.compliance.suppressing import Suppressed, suppress

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


async def test_all_numbers_are_listed_before_any_call_is_signalled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Signals take seconds each when Temporal is slow, in which calls to the rest would be sent."""
    steps: list[str] = []

    async def write(_work: object) -> int:
        steps.append("listed")
        return 1

    async def hang_up(_d: object, _t: object, tenant: str, some: Sequence[str]) -> tuple[int, int]:
        steps.append(f"{tenant}: {len(some)} signalled")
        return len(some), 1

    monkeypatch.setattr(suppressing, "STEP", 2)
    monkeypatch.setattr(suppressing, "hang_up_suppressed_calls", hang_up)
    given = SimpleNamespace(
        tenant="t", clock=lambda: NOW, temporal=None, database=SimpleNamespace(write=write)
    )
    numbers = [f"+1202555010{n}" for n in range(5)]
    suppressed = await suppress(cast("Resources", given), numbers, "asked", source="test")
    assert steps == 3 * ["listed"] + [f"t: {count} signalled" for count in (2, 2, 1)]
    assert suppressed == Suppressed(added=3, already_listed=2, hung_up=5, not_signalled=3)
