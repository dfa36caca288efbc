"""The webhook formats. Adding one is a file and one line here."""

from __future__ import annotations

from outdial.webhook_formats.buildvoiceai import BuildVoiceAIWebhooks
from outdial.webhook_formats.port import WebhookFormat
from outdial.webhook_formats.standard import StandardWebhooks
from outdial.webhook_formats.thinnestai import ThinnestAIWebhooks
from outdial.webhook_formats.voxanne import VoxanneWebhooks
from outdial.webhook_formats.voxpria import VoxpriaWebhooks
from outdial.webhook_formats.vozagent import VozAgentWebhooks

WEBHOOK_FORMATS: dict[str, WebhookFormat] = {
    webhook_format.name: webhook_format
    for webhook_format in (
        StandardWebhooks(),
        BuildVoiceAIWebhooks(),
        ThinnestAIWebhooks(),
        VoxanneWebhooks(),
        VoxpriaWebhooks(),
        VozAgentWebhooks(),
    )
}
