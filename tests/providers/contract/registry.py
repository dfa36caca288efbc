"""Which stages there are: `STAGE` in every `tests/providers/<name>/stage.py`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.providers.contract.stage import Stage

_ROOT = Path(__file__).parent.parent


def stages() -> dict[str, type[Stage]]:
    """By the name of the provider."""
    by_name: dict[str, type[Stage]] = {}
    for path in sorted(_ROOT.glob("*/stage.py")):
        name = path.parent.name
        stage = getattr(import_module(f"tests.providers.{name}.stage"), "STAGE", None)
        if stage is not None:
            by_name[name] = stage
    return by_name
