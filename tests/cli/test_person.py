"""`outdial person`, while nothing runs."""

from __future__ import annotations

import json

from outdial.domain.call.claim import ClaimedCall
from tests.cli.conftest import Outdial
from tests.services.world import NUMBERS


def test_a_person_in_words(outdial: Outdial, call: ClaimedCall) -> None:
    assert outdial("suppress", NUMBERS[0], "--reason", "asked by letter").exit_code == 0
    result = outdial("person", NUMBERS[0])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:2] == [
        "+1202•••0123",
        "  suppressed, and called by no campaign: asked by letter",
    ]
    assert f"  {call.campaign} (running): calling: a call to them is in flight" in lines
    at = "Fri 2026-11-20 10:00 in America/New_York (15:00 UTC)"
    called = f"  called {at} by {call.campaign} on simulated: queued"
    assert called in lines
    assert f"    call {call.call_id}, attempt 1" in lines
    assert any(line.startswith("    receipt 1: ") for line in lines)


def test_a_person_as_json(outdial: Outdial, call: ClaimedCall) -> None:
    shown = json.loads(outdial("person", NUMBERS[0], "--json").stdout)
    assert (shown["phone"], shown["suppressed"]) == ("+1202•••0123", None)
    assert [one["id"] for one in shown["calls"]] == [call.call_id]
    assert [one["campaign"] for one in shown["campaigns"]] == [call.campaign]
    nobody = outdial("person", "+12125559999")
    assert (nobody.exit_code, nobody.stderr) == (
        1,
        "there is no person with the number '+1212•••9999'\n",
    )
