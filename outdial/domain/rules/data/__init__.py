"""Tables that decisions rest on; each file names its source and its version."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> Any:
    """A table of this folder, read once. Never from a workflow."""
    return json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))


@cache
def data_version() -> str:
    """Names the tables that zones and places are worked out from."""
    return " ".join(f"{name} {table(name)['version']}" for name in _ZONE_TABLES)


@cache
def rules_version() -> str:
    """Names the table of the rules that ship."""
    return str(table("calling_rules")["version"])


_ZONE_TABLES = ("area_codes", "number_prefixes", "places")
