"""Checks of the lines: their settings, and whether their providers accept them. No call is
placed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from outdial.domain.call.status import FailureClass
from outdial.domain.line.breaker import Circuit
from outdial.providers.errors import ProviderError
from outdial.runtime.doctor.finding import Finding, from_error, ok, problem, skipped, warning
from outdial.runtime.lines import build_line, default_line_problems
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import SIMULATED_LINE, Settings
from outdial.store.lines.lines import LineStatus

_LINE = "line "
_REMEDIES: Mapping[FailureClass, str] = {
    FailureClass.MISCONFIGURED: "check its credentials, base_url and options",
    FailureClass.THROTTLED: "too many requests just now; try again later",
    FailureClass.UNAVAILABLE: "check base_url and the network, or try again later",
}


def line_remedy(error: ProviderError) -> str:
    """What to do about a line that its provider does not accept."""
    return _REMEDIES.get(error.failure, "try again later")


async def check_lines(settings: Settings, *, serving: bool) -> list[Finding]:
    """Every configured line; `serving` is whether calls are placed with these settings."""
    default = [
        from_error("lines", "unknown_line", each) for each in default_line_problems(settings)
    ]
    if not settings.lines:
        if not serving:
            return [*default, ok("lines", "none is configured: the simulated network is used")]
        return [
            *default,
            problem(
                "lines",
                "no_lines",
                "no line is configured, so nobody can be called",
                "write a table [lines.NAME] with provider and credentials",
            ),
        ]
    checked = await asyncio.gather(*(_check(settings, name) for name in settings.lines))
    return [*default, *(each for findings in checked for each in findings)]


async def _check(settings: Settings, name: str) -> list[Finding]:
    check, configured = f"{_LINE}{name}", settings.lines[name]
    if configured.provider == SIMULATED_LINE and configured.base_url is None:
        return [skipped(check, "its simulated network runs with `outdial up` or `outdial launch`")]
    try:
        line = build_line(settings, name)
    except SettingsInvalid as error:
        return [_invalid(check, each) for each in error.problems]
    try:
        return [ok(check, await line.provider.check())]
    except ProviderError as error:
        text = str(error).removeprefix(f"line {name}: ")
        return [problem(check, "line_refused", text, line_remedy(error))]
    finally:
        await line.provider.aclose()


def _invalid(check: str, message: str) -> Finding:
    place, _, text = message.partition(": ")
    return problem(check, "line_settings", message, f"correct {place}" if text else message)


def check_line_states(lines: Iterable[LineStatus]) -> list[Finding]:
    """A finding for each line that its circuit breaker keeps out of service."""
    return [
        warning(
            f"{_LINE}{line.name}",
            "line_resting",
            f"it takes no calls after too many failures: {line.health.reason}",
            "`outdial lines` shows its last failures; it is tried again by itself",
        )
        for line in lines
        if line.health.circuit is not Circuit.CLOSED
    ]
