"""Which providers exist. Adding one is a folder and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outdial.providers.port import LineConfig, Provider

ADAPTERS = {
    "bland": "BlandProvider",
    "buildvoiceai": "BuildVoiceAIProvider",
    "elevenlabs": "ElevenLabsProvider",
    "livekit": "LiveKitProvider",
    "retell": "RetellProvider",
    "simulated": "SimulatedProvider",
    "telnyx": "TelnyxProvider",
    "thinnestai": "ThinnestAIProvider",
    "twilio": "TwilioProvider",
    "vapi": "VapiProvider",
    "voxanne": "VoxanneProvider",
    "voxpria": "VoxpriaProvider",
    "vozagent": "VozAgentProvider",
}
"""The class of each adapter, in `adapters/<name>/client.py`."""


class Catalog(Mapping[str, "type[Provider]"]):
    """Adapters by name; each is imported when it is first used."""

    def __getitem__(self, name: str) -> type[Provider]:
        class_name = ADAPTERS[name]
        module = import_module(f"outdial.providers.adapters.{name}.client")
        adapter: type[Provider] = getattr(module, class_name)
        return adapter

    def __contains__(self, name: object) -> bool:
        return name in ADAPTERS

    def __iter__(self) -> Iterator[str]:
        return iter(ADAPTERS)

    def __len__(self) -> int:
        return len(ADAPTERS)


CATALOG: Mapping[str, type[Provider]] = Catalog()


def build_provider(provider: str, line: LineConfig) -> Provider:
    """Build the adapter of a line.

    Raises KeyError when no provider has that name.
    """
    return CATALOG[provider](line)
