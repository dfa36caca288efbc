"""Many at once. It comes last: what it leaves in flight is more than the others expect."""

from __future__ import annotations

from datetime import timedelta

from outdial.store.call import events
from tests import builders
from tests.builders import LINE
from tests.history.operations.registry import Scene, operation
from tests.store.test_rush import enroll, rows_of

_NEW = 900_000
"""Numbers that the history does not have."""


@operation
def many_calls_at_once(scene: Scene) -> None:
    """Their numbers and ids are long lists, of which PostgreSQL expects a part of a table each."""
    house = scene.house
    house.line("roomy", most=500)
    retry, pacing = {"max_attempts_per_day": 3}, {"max_concurrent": 500}
    campaign = house.launch(
        150, "many", first=_NEW + 6000, line="roomy", retry=retry, pacing=pacing
    )
    ids = [each.call_id for each in house.claim(campaign).calls]
    assert len(ids) == 150
    for n, call_id in enumerate(ids):
        house.place(call_id, f"many-{n}")
    for round_of, status in enumerate(("ringing", "no_answer")):
        reported = [
            builders.event(f"many-{n}-{round_of}", provider_call_id=f"many-{n}", status=status)
            for n in range(len(ids))
        ]
        scene.do(lambda s, r=reported: events.store_events(s, "roomy", r, now=house.now))  # type: ignore[misc]
    house.later(minutes=10)
    house.claim(campaign)


@operation
def requests_that_wait_for_a_full_line(scene: Scene) -> None:
    """A thousand of them, and some for another line at a time of their own."""
    house, direct = scene.house, scene.history.direct
    house.line("single", most=1)
    plan = builders.request(line="single").plan().model_dump_json()
    enroll(house, rows_of(direct, 1000, first=_NEW + 1000, line="single", plan=plan))
    at = house.now + timedelta(hours=1)
    timed = rows_of(
        direct, 3, first=_NEW + 2000, line=LINE, plan=plan, not_before=at, due_at=at, turn=0
    )
    enroll(house, timed)
    live = [each.call_id for each in house.claim(direct).calls]
    house.claim(direct)
    for call_id in live:
        house.end(call_id)
    house.claim(direct)
