"""Results as CSV have every variable of every recipient."""

from __future__ import annotations

import csv
import json

import pytest

from outdial.domain.definition.recipient import RecipientDraft
from outdial.intake.definition import read_definition_text
from outdial.services.campaigns import results
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.errors import Collision
from outdial.services.operations import reading
from outdial.store.roster import roster
from tests.builders import located, phone
from tests.services.world import World, new_name


async def _launched(world: World) -> str:
    text = (
        f"name: {new_name()}\npurpose: informational\nagent: a\n"
        f"recipients: [{{phone: '{phone(0)}', first: a}}]\n"
    )
    return (await launch_campaign(world.ctx, read_definition_text(text))).campaign.name


async def _add(world: World, name: str, position: int, variables: dict[str, str]) -> None:
    record = await reading.require_campaign(world.ctx, name)
    draft = RecipientDraft(position=position, phone=phone(position), variables=variables)
    await world.ctx.database.write(
        lambda s: roster.enroll_chunk(s, record.id, record.launch, 1, located([draft]))
    )


async def _rows(world: World, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader([line async for line in results.results_csv(world.ctx, name)]))


async def test_variables_of_later_recipients_are_columns(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "PAGE", 1)
    name = await _launched(world)
    await _add(world, name, 1, {"later": "b"})
    rows = await _rows(world, name)
    assert [(row["var_first"], row["var_later"]) for row in rows] == [("a", ""), ("", "b")]
    assert "other_variables" not in rows[0]


async def test_too_many_variables_share_a_column(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "MOST_VARIABLES", 2)
    name = await _launched(world)
    await _add(world, name, 1, {"b": "1"})
    await _add(world, name, 2, {"c": "2", "d": "3", "b": "4"})
    rows = await _rows(world, name)
    kept = [key.removeprefix("var_") for key in rows[0] if key.startswith("var_")]
    assert len(kept) == 2
    together = [
        {key: row[f"var_{key}"] for key in kept if row[f"var_{key}"]}
        | json.loads(row["other_variables"] or "{}")
        for row in rows
    ]
    assert together == [{"first": "a"}, {"b": "1"}, {"b": "4", "c": "2", "d": "3"}]


async def test_a_variable_that_came_meanwhile_is_not_lost_silently(world: World) -> None:
    name = await _launched(world)
    lines = results.results_csv(world.ctx, name)
    await anext(lines)
    await _add(world, name, 1, {"later": "b"})
    with pytest.raises(Collision, match="'later'"):
        [line async for line in lines]
