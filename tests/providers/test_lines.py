"""Lines by name, as a mapping."""

from __future__ import annotations

import pytest

from outdial.domain.line.routing import UnknownLine
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig


async def test_a_line_that_is_not_configured_is_missing_and_says_what_there_is() -> None:
    lines = Lines([Line("main", SimulatedProvider(LineConfig(name="main")), LinePolicy())])
    assert "main" in lines
    assert "moon" not in lines
    assert lines.get("moon") is None
    with pytest.raises(UnknownLine) as unknown:
        lines["moon"]
    assert str(unknown.value) == "line 'moon' is not configured; known are main"
    await lines.aclose()
