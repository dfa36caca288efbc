"""Which providers exist. Adding one is a folder and one line here."""

from __future__ import annotations

from providers.port import LineConfig, Provider
from providers.simulated.client import SimulatedProvider

CATALOG: dict[str, type[Provider]] = {
    SimulatedProvider.name: SimulatedProvider,
}


def build_provider(provider: str, line: LineConfig) -> Provider:
    """Build the adapter of a line.

    Raises KeyError when no provider has that name.
    """
    return CATALOG[provider](line)
