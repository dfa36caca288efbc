"""No key of a definition is dead: each is stored and read, or named here as unused."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from outdial.domain.call.policy import CampaignPolicy
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.hints import key_paths
from outdial.store.campaign import campaigns
from tests.builders import House, definition

ROOT = Path(__file__).parents[2]
UNUSED = {("description",): "for people"}
BESIDE_THE_PLAN = {
    "name": "the campaign's row",
    "line": "the plan's lines",
    "recipients": "the roster",
    "variables": "each recipient's variables",
    "webhooks": "endpoints",
}
"""Where the keys go that are no part of how to call."""
POLICY: dict[str, Any] = {
    "purpose": "telemarketing",
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
    "budget": {"most": "500 USD"},
    "consent": "written",
    "calendar": {"name": "clinic", "time_zone": "America/New_York"},
    "callbacks": [{"do": "suppress", "when": {"disposition": "wrong_number"}}],
}
"""A value for each key of the policy that is not its default."""


def test_every_key_has_a_place() -> None:
    keys = set(CampaignDefinition.model_fields)
    assert keys == CampaignPolicy.model_fields.keys() | BESIDE_THE_PLAN | {
        path[0] for path in UNUSED
    }
    assert POLICY.keys() == CampaignPolicy.model_fields.keys()


def test_every_key_of_the_policy_is_stored(house: House) -> None:
    written = definition(**POLICY)
    default = definition(agent="other")
    assert [key for key in POLICY if getattr(written, key) == getattr(default, key)] == []
    launched = house.write(
        lambda s: campaigns.launch_campaign(s, "default", written, "", now=house.now, again=False)
    )
    stored = house.write(lambda s: campaigns.require_campaign(s, launched.record.id)).plan
    assert {key: getattr(stored, key) for key in POLICY} == {
        key: getattr(written, key) for key in POLICY
    }


def test_every_key_is_read() -> None:
    """By name alone: whoever reads another thing of that name hides a key that nothing reads."""
    names = set(_names_read())
    paths = set(key_paths(CampaignDefinition)) - UNUSED.keys()
    assert sorted(".".join(path) for path in paths if path[-1] not in names) == []


def _names_read() -> list[str]:
    """Attributes that the engine reads, and the columns that contact files are read by."""
    names = []
    for folder in ("outdial", "activities", "workflows"):
        for file in (ROOT / folder).rglob("*.py"):
            columns = "contacts" in file.parts
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    names.append(node.attr)
                elif columns and isinstance(node, ast.Constant) and isinstance(node.value, str):
                    names.append(node.value)
    return names
