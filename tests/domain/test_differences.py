"""What differs between two definitions, and what a change of each key does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.differences import (
    EFFECTS,
    Effect,
    differences,
    effect_of,
    immutable,
)
from outdial.domain.hints import key_paths
from tests.builders import definition
from tests.generating import examples

CHANGES: dict[str, Any] = {
    "purpose": "telemarketing",
    "description": "for autumn",
    "line": [{"name": "main", "weight": 3}, {"name": "spare", "weight": 0}],
    "recipients": [{"phone": "+12025550123"}],
    "variables": {"greeting": "Hi {{ first_name }}"},
    "webhooks": [{"url": "https://example.com/hooks"}],
    "agent": {"id": "a", "settings": {"voice": "b"}},
    "schedule": {"hours": "10:00-12:00", "days": ["mon"], "guard": "30s"},
    "retry": {"busy": {"delays": "10m"}},
    "caps": [{"calls": 3, "within": "24h"}],
    "accept_risk": [{"rule": "US-FL.hours", "reason": "existing customers"}],
    "max_duration": "5m",
    "ring_timeout": "20s",
    "recording": True,
    "caller_ids": ["+12025550199"],
    "pacing": {"max_concurrent": 3, "per_minute": 4, "weight": 2},
    "budget": {"most": "500 USD", "per_person": "2 USD"},
    "consent": "written",
    "calendar": {"name": "clinic", "time_zone": "America/New_York"},
    "callbacks": [{"do": "suppress", "when": {"disposition": "wrong_number"}}],
}
"""A value for each key that is not its default; `name` apart."""
SETS = st.sets(st.sampled_from(sorted(CHANGES)))


def changed(keys: set[str]) -> CampaignDefinition:
    return definition(**{key: CHANGES[key] for key in keys})


def key_of(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def test_every_key_can_be_applied_or_is_immutable_by_name() -> None:
    assert {key_of(path) for path in EFFECTS} == CampaignDefinition.model_fields.keys()
    assert CHANGES.keys() | {"name"} == CampaignDefinition.model_fields.keys()
    for path in key_paths(CampaignDefinition):
        assert effect_of(".".join(path))
    fixed = {path for path, effect in EFFECTS.items() if effect is Effect.IMMUTABLE}
    assert fixed == {"name", "purpose", "calendar.time_zone"}


@given(keys=SETS)
@settings(max_examples=examples(100), deadline=None)
def test_equal_definitions_do_not_differ(keys: set[str]) -> None:
    assert differences(changed(keys), changed(keys)) == ()


@given(before=SETS, after=SETS)
@settings(max_examples=examples(200), deadline=None)
def test_every_key_that_differs_is_named_and_no_other(before: set[str], after: set[str]) -> None:
    found = differences(changed(before), changed(after))
    assert {key_of(each.path) for each in found} == before ^ after
    assert len({each.path for each in found}) == len(found)
    assert all(each.before != each.after for each in found)


@given(before=SETS, after=SETS)
@settings(max_examples=examples(100), deadline=None)
def test_the_way_back_is_the_same_with_the_values_exchanged(
    before: set[str], after: set[str]
) -> None:
    there = differences(changed(before), changed(after))
    back = differences(changed(after), changed(before))
    assert {(each.path, each.before, each.after) for each in there} == {
        (each.path, each.after, each.before) for each in back
    }


@pytest.mark.parametrize(
    ("before", "after", "path", "values", "effect"),
    [
        (
            {"pacing": {"max_concurrent": 10}},
            {"pacing": {"max_concurrent": 20}},
            "pacing.max_concurrent",
            ("10", "20"),
            Effect.NEXT_CLAIM,
        ),
        (
            {"budget": {"most": "500 USD"}},
            {"budget": {"most": "800 USD"}},
            "budget.most",
            ("500 USD", "800 USD"),
            Effect.NEXT_CLAIM,
        ),
        (
            {"schedule": {"hours": "09:00-18:00"}},
            {"schedule": {"hours": ["09:00-12:00", "13:00-18:00"]}},
            "schedule.hours",
            ("09:00-18:00", "[09:00-12:00, 13:00-18:00]"),
            Effect.REQUEUE,
        ),
        (
            {"line": ["main", {"name": "spare", "weight": 2}]},
            {"line": ["main", {"name": "spare", "weight": 5}]},
            "line[spare].weight",
            ("2", "5"),
            Effect.REQUEUE,
        ),
        (
            {},
            {"retry": {"no_answer": {"delays": ["10m", "next_day"], "longest": "1d"}}},
            "retry.no_answer",
            (None, "{delays: [10m, next_day], factor: 1.0, longest: 1d}"),
            Effect.REQUEUE,
        ),
        (
            {"variables": {"greeting": "Hi {{ first_name }}"}},
            {"variables": {"greeting": "Hello {{ first_name }}"}},
            "variables.greeting",
            ('"Hi {{ first_name }}"', '"Hello {{ first_name }}"'),
            Effect.VARIABLES,
        ),
        (
            {"recipients": {"csv": "one.csv"}},
            {"recipients": {"csv": "two.csv"}},
            "recipients.csv",
            ("one.csv", "two.csv"),
            Effect.ROSTER,
        ),
        (
            {"recipients": [{"phone": "+12025550123"}]},
            {"recipients": [{"phone": "+12025550123"}, {"phone": "+12025550124"}]},
            "recipients",
            ("a list of 1 person", "a list of 2 people"),
            Effect.ROSTER,
        ),
        (
            {"calendar": {"name": "clinic", "time_zone": "Europe/Berlin"}},
            {"calendar": {"name": "clinic", "time_zone": "Europe/Paris"}},
            "calendar.time_zone",
            ("Europe/Berlin", "Europe/Paris"),
            Effect.IMMUTABLE,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_difference_is_written_as_yaml_has_it(
    before: dict[str, Any],
    after: dict[str, Any],
    path: str,
    values: tuple[str | None, str | None],
    effect: Effect,
) -> None:
    (found,) = differences(definition(**before), definition(**after))
    assert (found.path, (found.before, found.after), found.effect) == (path, values, effect)


@pytest.mark.parametrize("back", [False, True])
def test_a_whole_budget_has_the_effects_of_its_keys(back: bool) -> None:
    pair = (definition(), definition(budget=CHANGES["budget"]))
    found = differences(*(reversed(pair) if back else pair))
    assert {each.path: each.effect for each in found} == {
        "budget.most": Effect.NEXT_CLAIM,
        "budget.per_person": Effect.REQUEUE,
    }


def test_what_is_immutable_is_told_apart() -> None:
    found = differences(
        definition(), definition("other", purpose="telemarketing", max_duration="5m")
    )
    assert {each.path for each in immutable(found)} == {"name", "purpose"}
