"""The ends of calls: each word of a map, reported by a stage and read by its adapter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import outdial.providers.adapters
from outdial.domain.call.event import CallEnd, CallEvent, reports_of, was_answered, was_started
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.lines import Line, LinePolicy
from outdial.providers.port import Provider
from tests.providers.contract.stage import HOOK, NOW, Delivery, Stage

CALL_ID = "0190b5c4-77aa-7c3e-9d44-5f7d3c1e0001"
_ADAPTERS = Path(outdial.providers.adapters.__file__).parent


@dataclass(frozen=True)
class Ending:
    provider: str
    field: str
    """A map of its `status.json`."""
    word: str
    talked: bool

    def __str__(self) -> str:
        return f"{self.provider}:{self.field}={self.word}{' after a talk' if self.talked else ''}"


def maps_of(provider: str) -> dict[str, Any]:
    """The maps of an adapter's `status.json`, as they are written."""
    maps: dict[str, Any] = json.loads((_ADAPTERS / provider / "status.json").read_text())
    return maps


def words_of(provider: str, field: str) -> list[str]:
    """Every word of a map, and one for each beginning that it knows."""
    words = maps_of(provider)[field]
    return [*words["rows"], *(beginning + "x" for beginning, _ in words.get("prefixes", []))]


def reports(stage: Stage, ending: Ending) -> Iterator[Delivery | CallEvent]:
    """The webhooks about a call that ends so; an event where the answer to the dial says it."""
    for report in stage.ending_reports(CALL_ID, ending.field, ending.word, talked=ending.talked):
        if isinstance(report, CallEvent):
            yield report
        else:
            body = report if isinstance(report, bytes) else json.dumps(report).encode()
            yield stage.signed(body, url=stage.call_url(HOOK, CALL_ID))


def end_by(provider: Provider, stage: Stage, ending: Ending) -> CallEnd | None:
    """How a call ends for us that ends so for its provider; None where it goes on."""
    line = Line(provider.name, provider, LinePolicy())
    events: list[CallEvent] = []
    for report in reports(stage, ending):
        if isinstance(report, CallEvent):
            events += line.normalize([report])
        else:
            events += line.receive(report.headers, report.body, report.url, NOW)
    return end_of(events)


def end_of(events: Iterable[CallEvent]) -> CallEnd | None:
    """The end that a call's workflow makes of its events; None while it goes on."""
    answered = started = False
    for report in reports_of("call-1", events):
        answered = answered or was_answered(report) is True
        started = started or was_started(report)
        if report.status is not None and report.status.terminal:
            return CallEnd.of(report, answered_before=answered, started_before=started)
    return None


def outcome(end: CallEnd | None) -> CallStatus | FailureClass | None:
    """How it ended, in the words of a stage: the class of a failure says that it failed."""
    return None if end is None else end.failure or end.status


def misread(stage: Stage, provider: Provider) -> dict[str, object]:
    """The endings of a stage that an adapter reads differently, with what it makes of them."""
    wrong: dict[str, object] = {}
    for field, words in stage.endings.items():
        for word, expected in words.items():
            for talked in (False, True):
                if talked and field in stage.unanswerable:
                    continue
                ending = Ending(provider.name, field, word, talked)
                right = expected if not talked or field in stage.unserved else CallStatus.COMPLETED
                read = outcome(end_by(provider, stage, ending))
                if read != right:
                    wrong[str(ending)] = read
    return wrong
