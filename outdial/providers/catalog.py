"""Which providers exist. Adding one is a folder and one line here."""

from __future__ import annotations

from outdial.providers.adapters.bland.client import BlandProvider
from outdial.providers.adapters.buildvoiceai.client import BuildVoiceAIProvider
from outdial.providers.adapters.elevenlabs.client import ElevenLabsProvider
from outdial.providers.adapters.livekit.client import LiveKitProvider
from outdial.providers.adapters.retell.client import RetellProvider
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.adapters.telnyx.client import TelnyxProvider
from outdial.providers.adapters.thinnestai.client import ThinnestAIProvider
from outdial.providers.adapters.twilio.client import TwilioProvider
from outdial.providers.adapters.vapi.client import VapiProvider
from outdial.providers.adapters.voxanne.client import VoxanneProvider
from outdial.providers.adapters.voxpria.client import VoxpriaProvider
from outdial.providers.adapters.vozagent.client import VozAgentProvider
from outdial.providers.port import LineConfig, Provider

CATALOG: dict[str, type[Provider]] = {
    BlandProvider.name: BlandProvider,
    BuildVoiceAIProvider.name: BuildVoiceAIProvider,
    ElevenLabsProvider.name: ElevenLabsProvider,
    LiveKitProvider.name: LiveKitProvider,
    RetellProvider.name: RetellProvider,
    SimulatedProvider.name: SimulatedProvider,
    TelnyxProvider.name: TelnyxProvider,
    ThinnestAIProvider.name: ThinnestAIProvider,
    TwilioProvider.name: TwilioProvider,
    VapiProvider.name: VapiProvider,
    VoxanneProvider.name: VoxanneProvider,
    VoxpriaProvider.name: VoxpriaProvider,
    VozAgentProvider.name: VozAgentProvider,
}


def build_provider(provider: str, line: LineConfig) -> Provider:
    """Build the adapter of a line.

    Raises KeyError when no provider has that name.
    """
    return CATALOG[provider](line)
