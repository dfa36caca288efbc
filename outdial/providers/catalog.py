"""Which providers exist. Adding one is a folder and one line here."""

from __future__ import annotations

from outdial.providers.bland.client import BlandProvider
from outdial.providers.buildvoiceai.client import BuildVoiceAIProvider
from outdial.providers.elevenlabs.client import ElevenLabsProvider
from outdial.providers.livekit.client import LiveKitProvider
from outdial.providers.port import LineConfig, Provider
from outdial.providers.retell.client import RetellProvider
from outdial.providers.simulated.client import SimulatedProvider
from outdial.providers.telnyx.client import TelnyxProvider
from outdial.providers.thinnestai.client import ThinnestAIProvider
from outdial.providers.twilio.client import TwilioProvider
from outdial.providers.vapi.client import VapiProvider
from outdial.providers.voxanne.client import VoxanneProvider
from outdial.providers.voxpria.client import VoxpriaProvider
from outdial.providers.vozagent.client import VozAgentProvider

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
