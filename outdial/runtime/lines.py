"""Configured lines, with their adapters and their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outdial.domain.line.routing import UnknownLine
from outdial.domain.money.amount import parse_money
from outdial.providers.catalog import CATALOG, build_provider
from outdial.providers.errors import Misconfigured
from outdial.providers.lines import Line, LinePolicy, Lines
from outdial.providers.port import LineConfig
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import SIMULATED_LINE, LineSettings, Settings

SIMULATED_PRICE = parse_money("0.09 USD")
"""Of a minute on a line of the simulated network that names none: what the network reports, unless
it is set up otherwise."""


def build_lines(settings: Settings, environ: Mapping[str, str] | None = None) -> Lines:
    """Every configured line.

    Raises SettingsInvalid with every problem: a credential that can't be found, a line that could
    not check the webhooks it gets, what an adapter needs and has not.
    """
    problems: list[str] = []
    lines = []
    for name in settings.lines:
        try:
            lines.append(build_line(settings, name, environ))
        except SettingsInvalid as error:
            problems += error.problems
    problems += default_line_problems(settings)
    if problems:
        raise SettingsInvalid(problems)
    return Lines(lines, default=settings.default_line)


def default_line_problems(settings: Settings) -> list[str]:
    """A line for a default line that is not configured."""
    name = settings.default_line
    if name is None or name in settings.lines:
        return []
    names = ", ".join(sorted(settings.lines)) or "none"
    return [f"default_line: found {name!r}, which is not configured; known are {names}"]


def build_line(settings: Settings, name: str, environ: Mapping[str, str] | None = None) -> Line:
    """One configured line. Raises UnknownLine, and SettingsInvalid as `build_lines` does."""
    line = settings.lines.get(name)
    if line is None:
        raise UnknownLine(name, sorted(settings.lines))
    place, problems = settings.place_of_line(name), list[str]()
    variables = settings.variables if environ is None else environ
    credentials = _credentials(place, line, variables, problems)
    if CATALOG[line.provider].capabilities.sends_webhooks and not line.credentials:
        problems.append(
            f"{place}.credentials: there are none, so nobody could tell a webhook of this line "
            "from a forged one; write them as env:NAME or file:PATH"
        )
    if problems:
        raise SettingsInvalid(problems)
    policy = _policy(line)
    config = LineConfig(
        name=name,
        base_url=line.base_url,
        credentials=credentials,
        options=line.options,
        currency=None if policy.price is None else policy.price.currency,
        request_timeout=line.request_timeout,
        egress=settings.outgoing.egress(),
    )
    try:
        return Line(
            name,
            build_provider(line.provider, config),
            policy,
            tenant=line.tenant or settings.tenant,
        )
    except Misconfigured as error:
        problem = str(error).removeprefix(f"line {name}: ")
        raise SettingsInvalid([f"{place}: {problem}"]) from error


def _policy(line: LineSettings) -> LinePolicy:
    """The line's own settings; what it leaves out is no more than its provider allows at first.

    Twilio, for one, takes a call a second and queues the rest in silence, past any window.
    """
    policy, allowed = line.policy(), CATALOG[line.provider].capabilities
    limits: dict[str, Any] = {}
    if line.provider == SIMULATED_LINE and policy.price is None:
        limits["cost_per_minute"] = SIMULATED_PRICE
    if line.per_second is None and allowed.calls_per_second is not None:
        limits["per_second"] = min(policy.per_second, allowed.calls_per_second)
    if line.max_concurrent is None and allowed.concurrent_calls is not None:
        limits["max_concurrent"] = min(policy.max_concurrent, allowed.concurrent_calls)
    return policy.model_copy(update=limits)


def require_serving(settings: Settings) -> None:
    """Refuse to work for providers with settings that are missing or unsafe.

    Raises SettingsInvalid.
    """
    problems = []
    if not settings.lines:
        problems.append(
            "lines: none is configured, so nobody can be called; "
            "write a table [lines.NAME] with provider and credentials"
        )
    if settings.public_url is None:
        problems.append(
            "public_url: is missing, so providers could not report what became of a call; "
            "write one such as https://calls.example.com"
        )
    for name, line in settings.lines.items():
        if line.provider == SIMULATED_LINE and line.base_url is None:
            problems.append(
                f"lines.{name}.base_url: is missing; write where the simulated network listens"
            )
    if problems:
        raise SettingsInvalid(problems)


def _credentials(
    place: str, line: LineSettings, variables: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    resolved = {}
    for key, reference in line.credentials.items():
        where = f"{place}.credentials.{key}"
        if line.provider == SIMULATED_LINE and not reference.startswith(("env:", "file:")):
            value: str | None = reference  # nothing real is behind it
        else:
            value = resolve_reference(where, reference, variables, problems)
        if value:
            resolved[key] = value
    return resolved


def resolve_reference(
    where: str, reference: str, variables: Mapping[str, str], problems: list[str]
) -> str | None:
    """The secret behind `env:NAME` or `file:PATH`; None, and a problem, when there is none."""
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest:
        value = variables.get(rest)
        if not value:
            problems.append(f"{where}: the variable {rest} is not set")
        return value
    if kind == "file" and rest:
        return _read(Path(rest), where, problems)
    problems.append(
        f"{where}: is written out; write env:NAME or file:PATH, so that it is in no file "
        "that is shared"
    )
    return None


def _read(path: Path, where: str, problems: list[str]) -> str | None:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        problems.append(f"{where}: {path} cannot be read: {error.strerror}")
        return None
    except ValueError:  # of bytes, or of a path with a NUL
        problems.append(f"{where}: {path} is not UTF-8 text")
        return None
    if not value:
        problems.append(f"{where}: {path} is empty")
        return None
    return value
