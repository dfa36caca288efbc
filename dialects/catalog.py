"""Which dialects exist. Adding one is a file and one line here."""

from __future__ import annotations

from dialects.buildvoiceai import BuildVoiceAIWebhooks
from dialects.port import Dialect
from dialects.standard import StandardWebhooks
from dialects.thinnestai import ThinnestAIWebhooks
from dialects.voxanne import VoxanneWebhooks
from dialects.voxpria import VoxpriaWebhooks
from dialects.vozagent import VozAgentWebhooks

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        StandardWebhooks(),
        BuildVoiceAIWebhooks(),
        ThinnestAIWebhooks(),
        VoxanneWebhooks(),
        VoxpriaWebhooks(),
        VozAgentWebhooks(),
    )
}
