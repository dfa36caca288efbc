"""What each adapter declares of the call settings that its provider takes.

A setting that a provider does not take is refused before the call, by name and with what the
provider can do. Dropped silently, it would hold on one line and not on the next; whether a call may
be recorded is a matter of law.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.definition.agent import Agent
from outdial.domain.definition.fields import format_duration

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Call settings as a definition or a request has them; None or empty: not given."""

    agent: Agent
    caller_ids: tuple[str, ...] = ()
    recording: bool | None = None
    ring_timeout: timedelta | None = None
    max_duration: timedelta | None = None
    variables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NotCarried:
    """A setting that a line can't pass on, and what to do instead."""

    path: Path
    """Where it stands, from the top of a definition or a request."""
    message: str


class Span(BaseModel):
    """The range of durations that a provider accepts."""

    model_config = ConfigDict(frozen=True)

    least: timedelta = timedelta(seconds=1)
    most: timedelta | None = None
    whole: timedelta = timedelta(seconds=1)
    """The unit it counts in."""

    def takes(self, duration: timedelta) -> bool:
        fits = self.least <= duration and (self.most is None or duration <= self.most)
        return fits and not duration % self.whole

    def __str__(self) -> str:
        least = f"from {format_duration(self.least)}"
        most = "" if self.most is None else f" to {format_duration(self.most)}"
        whole = "" if self.whole <= timedelta(seconds=1) else f" in {format_duration(self.whole)}"
        return least + most + whole


class Carried(BaseModel):
    """The settings that an adapter passes on. The fields are named like the settings."""

    model_config = ConfigDict(frozen=True)

    where: str
    """Where the provider keeps what can't be set for one call; for people."""
    caller_id: bool = True
    recording_on: bool = True
    recording_off: bool = True
    ring_timeout: Span | None = Span()
    max_duration: Span | None = Span()
    """None: the provider does not end a call that lasts too long."""
    variables: frozenset[str] | None = None
    """The variables that reach the provider; None: any."""
    settings: frozenset[str] | None = None
    """The agent settings that are passed on; None: all but `reserved`."""
    reserved: Mapping[str, str] = Field(default_factory=dict)
    """Paths of agent settings that are ours to write, and what to write in their place."""

    def refuse(self, requested: CallSettings, line: str, provider: str) -> Iterator[NotCarried]:
        """Every requested setting that would be dropped or changed."""
        here = f"line {line} can't carry it: {provider}"
        if requested.caller_ids and not self.caller_id:
            yield NotCarried(
                ("caller_ids",), f"{here} shows the number of {self.where}; leave it out"
            )
        yield from self._recording(requested, here)
        for name in ("ring_timeout", "max_duration"):
            yield from self._duration(name, getattr(requested, name), here)
        lost = frozenset() if self.variables is None else requested.variables - self.variables
        for name in sorted(lost):
            carried = ", ".join(sorted(self.variables or ())) or "none"
            yield NotCarried(("variables", name), f"{here} takes these alone: {carried}")
        yield from self._settings(requested.agent.settings, here)

    def _recording(self, requested: CallSettings, here: str) -> Iterator[NotCarried]:
        if requested.recording is None:
            return
        if not (self.recording_on if requested.recording else self.recording_off):
            what = "to record" if requested.recording else "not to record"
            yield NotCarried(
                ("recording",),
                f"{here} can't be told {what} a call; whether it does is set in {self.where}: "
                "set it there and leave it out here",
            )

    def _duration(self, name: str, duration: timedelta | None, here: str) -> Iterator[NotCarried]:
        span: Span | None = getattr(self, name)
        if duration is None or (span is not None and span.takes(duration)):
            return
        if span is None:
            message = f"{here} keeps to that of {self.where}; set it there and leave it out here"
        else:
            message = f"{here} takes {span}; found {format_duration(duration)}"
        yield NotCarried((name,), message)

    def _settings(self, settings: Mapping[str, Any], here: str) -> Iterator[NotCarried]:
        for name in sorted(settings):
            if self.settings is not None and name not in self.settings:
                carried = ", ".join(sorted(self.settings)) or "none"
                yield NotCarried(
                    ("agent", "settings", name), f"{here} takes these alone: {carried}"
                )
        for dotted, instead in sorted(self.reserved.items()):
            path = dotted.split(".")
            if _has(settings, path):
                yield NotCarried(("agent", "settings", *path), f"{here} takes it from {instead}")


def _has(settings: Any, path: list[str]) -> bool:
    for name in path:
        if not isinstance(settings, Mapping) or name not in settings:
            return False
        settings = settings[name]
    return True
