"""Everything about the simulated network that can be set, at its start or while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.providers.simulated.telephony.faults import FaultSettings
from outdial.providers.simulated.telephony.person import PeopleModel

_REPLACED_WHOLE = frozenset({"weights", "webhooks"})
"""Merging one weight into eleven others would not say what the writer meant."""


class AccountSettings(BaseModel):
    """What the account at the network may do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_concurrent: int | None = Field(default=None, ge=1)
    """Open calls; a create beyond it is answered 429."""
    max_per_second: int | None = Field(default=None, ge=1)
    """Accepted creates in any second; a create beyond it is answered 429."""
    agents: frozenset[str] | None = None
    """Agents that exist; None means any."""
    caller_ids: frozenset[str] | None = None
    """Numbers that may be shown to the person; None means any."""
    suspended: bool = False
    """Every request is answered 403."""


class NetworkSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    people: PeopleModel = Field(default_factory=PeopleModel)
    account: AccountSettings = Field(default_factory=AccountSettings)
    faults: FaultSettings = Field(default_factory=FaultSettings)


def settings_of(config: Mapping[str, Any], people: Mapping[str, Any]) -> NetworkSettings:
    """The settings of a file, with some of its people's; what neither names is as it ships."""
    base = NetworkSettings().model_dump(mode="json")
    return NetworkSettings.model_validate(merge(merge(base, config), {"people": people}))


def merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a patch over settings: objects are merged, everything else is replaced.

    `weights`, and the rates under `webhooks` and under one of `routes`, are replaced whole.
    """
    merged = dict(base)
    for key, value in patch.items():
        old = merged.get(key)
        if key == "routes" and isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = {**old, **value}
        elif key not in _REPLACED_WHOLE and isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged
