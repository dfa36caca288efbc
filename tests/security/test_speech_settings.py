"""Settings of speech are harmless as long as they name nobody else's system within."""

from __future__ import annotations

from typing import Any

import pytest

from outdial.providers.catalog import CATALOG

EVIL = "wss://attacker.net"
REACHING: dict[str, tuple[str, dict[str, Any], str]] = {
    "a transcriber's server": (
        "vapi", {"transcriber": {"provider": "custom-transcriber", "server": {"url": EVIL}}},
        "settings.transcriber.provider",
    ),
    "a server alone": (
        "vapi", {"transcriber": {"provider": "deepgram", "server": {"url": EVIL}}},
        "settings.transcriber.server",
    ),
    "a voice's server": (
        "vapi", {"voice": {"provider": "custom-voice", "server": {"url": EVIL}}},
        "settings.voice.server",
    ),
    "a fallback voice": (
        "vapi",
        {"voice": {"fallbackPlan": {"voices": [{"provider": "custom-voice"}]}}},
        "settings.voice.fallbackPlan.voices[0].provider",
    ),
    "a fallback transcriber": (
        "vapi", {"transcriber": {"fallbackPlan": {"transcribers": [{"server": {"url": EVIL}}]}}},
        "settings.transcriber.fallbackPlan.transcribers[0].server",
    ),
    "a callback": ("vapi", {"voice": {"provider": "tavus", "callbackUrl": EVIL}},
                   "settings.voice.callbackUrl"),
    "a bucket": (
        "vapi", {"voice": {"properties": {"recordingS3BucketName": "mine"}}},
        "settings.voice.properties.recordingS3BucketName",
    ),
    "an address under any name": ("vapi", {"voice": {"tomorrow": f" {EVIL}"}},
                                  "settings.voice.tomorrow"),
    "an address without a scheme": ("vapi", {"voice": {"x": ["//attacker.net"]}},
                                    "settings.voice.x[0]"),
    "detection of a model": (
        "vapi", {"voicemailDetection": {"provider": "custom-llm"}},
        "settings.voicemailDetection.provider",
    ),
    "an own model": (
        "elevenlabs",
        {"conversation_config_override": {"agent": {"prompt": {"llm": "custom-llm"}}}},
        "settings.conversation_config_override.agent.prompt.llm",
    ),
    "an own model's address": (
        "elevenlabs",
        {"conversation_config_override": {"agent": {"prompt": {"custom": {"url": EVIL}}}}},
        "settings.conversation_config_override.agent.prompt.custom.url",
    ),
    "tools": (
        "elevenlabs",
        {"conversation_config_override": {"agent": {"prompt": {"tool_ids": ["t"]}}}},
        "settings.conversation_config_override.agent.prompt.tool_ids",
    ),
    "MCP servers": (
        "elevenlabs",
        {"conversation_config_override": {"agent": {"prompt": {"native_mcp_server_ids": ["m"]}}}},
        "settings.conversation_config_override.agent.prompt.native_mcp_server_ids"[:60],
    ),
    "a transfer from a mailbox": (
        "retell", {"voicemail_option": {"action": {"type": "bridge_transfer"}}},
        "settings.voicemail_option.action.type",
    ),
    "a model with an address": ("bland", {"model": {"url": EVIL}}, "settings.model.url"),
    "a voice with a server": ("telnyx", {"voice": {"base_url": EVIL}}, "settings.voice.base_url"),
}  # fmt: skip


@pytest.mark.parametrize("what", REACHING)
def test_what_reaches_elsewhere_is_no_speech(what: str) -> None:
    name, settings, where = REACHING[what]
    assert where[:60] in object.__new__(CATALOG[name]).beyond_speech("a", settings)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_no_setting_of_speech_takes_an_address(name: str) -> None:
    """Every provider, every setting, at any depth."""
    provider = object.__new__(CATALOG[name])
    for setting in provider.speech_settings - provider.free_form_settings:
        for within in ({"server": {"url": EVIL}}, {"provider": "custom-x"}, {"any": [EVIL]}):
            deep: Any = within
            for _ in range(20):
                deep = {"plan": [deep]}
            for value in (within, deep):
                assert provider.beyond_speech("a", {setting: value}), (setting, value)


SPEECH: dict[str, dict[str, Any]] = {
    "vapi": {
        "transcriber": {
            "provider": "deepgram", "model": "nova-3", "language": "en", "keyterm": ["Outdial"],
            "endpointing": 300, "fallbackPlan": {"transcribers": [{"provider": "gladia"}]},
        },
        "voice": {
            "provider": "11labs", "voiceId": "sarah", "stability": 0.5, "speed": 1.1,
            "chunkPlan": {"formatPlan": {"numberToDigitsCutoff": 2025}},
            "fallbackPlan": {"voices": [{"provider": "azure", "voiceId": "andrew"}]},
        },
        "voicemailDetection": {"provider": "vapi", "backoffPlan": {"maxRetries": 3}},
        "variableValues": {"server_url": "https://clinic.example.com", "host": "Ada"},
        "firstMessage": "See https://clinic.example.com",
        "backgroundSound": "office",
    },
    "elevenlabs": {
        "conversation_config_override": {
            "agent": {
                "first_message": "Hello", "language": "de",
                "prompt": {"prompt": "Name https://clinic.example.com", "llm": "gpt-4o"},
            },
            "tts": {"voice_id": "x", "speed": 1.0},
        },
        "dynamic_variables": {"booking_url": "https://clinic.example.com"},
    },
    "retell": {
        "voicemail_option": {"action": {"type": "static_text", "text": "Hello"}},
        "pronunciation_dictionary": [{"word": "a", "alphabet": "ipa", "phoneme": "b"}],
    },
    "bland": {"request_data": {"url": "https://clinic.example.com"}, "model": "base"},
    "telnyx": {"answering_machine_detection_config": {"total_analysis_time_millis": 5000}},
}  # fmt: skip


@pytest.mark.parametrize("name", SPEECH)
def test_speech_needs_no_scope(name: str) -> None:
    assert object.__new__(CATALOG[name]).beyond_speech("a", SPEECH[name]) == []
