"""Settings that lead a process to the parts of an embedded stack, one that runs or one to come."""

from __future__ import annotations

import base64
from pathlib import Path

from outdial.runtime.settings.settings import SIMULATED_LINE, Settings, load_settings
from outdial.runtime.stack.statefile import StackState, is_owned, read_state
from outdial.runtime.temporal_config import is_configured

DRAIN_SECONDS = 15
"""Whoever pressed Ctrl-C waits; what is cut off is reconciled at the next start."""


def running_stack(state_dir: Path) -> StackState | None:
    """The stack that runs in this directory and is ready; None when there is none."""
    if not is_owned(state_dir):
        return None
    state = read_state(state_dir)
    return state if state is not None and state.ready else None


def settings_of_running(settings: Settings, state: StackState) -> Settings:
    """The settings of another process that uses this stack."""
    return load_settings({**settings.variables, **overrides_for(settings, state)})


def overrides_for(settings: Settings, state: StackState) -> dict[str, str]:
    """Variables that lead a process of ours to the parts of this stack."""
    endpoints = state.endpoints
    overrides = {
        "OUTDIAL_STATE_DIR": str(settings.state_dir.resolve()),
        "OUTDIAL_TEMPORAL_ADDRESS": endpoints.temporal,
        "OUTDIAL_UI_URL": endpoints.ui,
        "OUTDIAL_DRAIN_WITHIN": f"{DRAIN_SECONDS}s",
        "OUTDIAL_API_HOST": "127.0.0.1",
        "OUTDIAL_API_PORT": str(endpoints.api_port),
    }
    if settings.public_url is None:
        overrides["OUTDIAL_PUBLIC_URL"] = endpoints.api
    return overrides | _simulated_lines(
        settings, endpoints.network, state.api_key, state.webhook_secret
    )


def _simulated_lines(
    settings: Settings, network: str, api_key: str, webhook_secret: str
) -> dict[str, str]:
    simulated = {
        name
        for name, line in settings.lines.items()
        if line.provider == SIMULATED_LINE and line.base_url is None
    }
    if SIMULATED_LINE not in settings.lines:
        simulated.add(SIMULATED_LINE)
    overrides = {}
    for name in simulated:
        prefix = f"OUTDIAL_LINES__{name.upper()}__"
        overrides[f"{prefix}BASE_URL"] = network
        overrides[f"{prefix}CREDENTIALS__API_KEY"] = api_key
        overrides[f"{prefix}CREDENTIALS__WEBHOOK_SECRET"] = webhook_secret
    return overrides


def settings_of_launch(settings: Settings) -> Settings:
    """The settings that a launch has here, without starting anything: where no Temporal is
    configured, the simulated network of a stack that it would start belongs to them.

    Raises SettingsInvalid.
    """
    if is_configured(settings):
        return settings
    secret = "whsec_" + base64.b64encode(bytes(24)).decode("ascii")
    lines = _simulated_lines(settings, "http://127.0.0.1:1", "unused", secret)
    return load_settings({**settings.variables, **lines})
