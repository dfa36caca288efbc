"""Recipients of a rehearsal are decided about as those of the store are."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.domain.call.plan import CallPlan
from outdial.domain.rules.location import locate
from outdial.rehearsal.deciding import Decider
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.memory import Before, MemoryEngine
from outdial.rehearsal.roster import RosterReader
from tests.builders import LINE, NOW, definition, draft, phone


def test_a_stretch_of_those_who_are_never_called_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = 250
    drafts = [each for each, _ in locate([draft(at) for at in range(people)], None)]
    engine = MemoryEngine(
        CallPlan.of(definition(pacing={"max_concurrent": 500})),
        list(RosterReader().people(drafts)),
        [LineSetup(LINE, max_concurrent=200, per_second=10, simulated=True)],
        NOW,
        before=Before(suppressed={phone(at): "asked" for at in range(people)}),
    )
    read, find_due = list[int](), Decider._find_due

    def noting(*values: Any) -> Any:
        due = find_due(*values)
        read.append(len(due))
        return due

    monkeypatch.setattr(Decider, "_find_due", noting)
    while engine.claim(NOW).open_recipients:
        pass
    assert sum(read) == people
