"""Which providers exist. Adding one is a folder and one line here."""

from __future__ import annotations

from providers.bland.client import BlandProvider
from providers.buildvoiceai.client import BuildVoiceAIProvider
from providers.elevenlabs.client import ElevenLabsProvider
from providers.livekit.client import LiveKitProvider
from providers.port import LineConfig, Provider
from providers.retell.client import RetellProvider
from providers.simulated.client import SimulatedProvider
from providers.telnyx.client import TelnyxProvider
from providers.thinnestai.client import ThinnestAIProvider
from providers.twilio.client import TwilioProvider
from providers.vapi.client import VapiProvider
from providers.voxanne.client import VoxanneProvider
from providers.voxpria.client import VoxpriaProvider
from providers.vozagent.client import VozAgentProvider

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
