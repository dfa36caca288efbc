"""Every word of every status map as the end of a call, in the shape in which its provider tells it.

After a talk, the report carries the facts that this provider tells of one; without, it carries
none. `events_of` reads it by the real adapter and line, as the webhook door does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from outdial.domain.call.event import CallEvent
from outdial.providers.lines import Line, LinePolicy
from outdial.providers.port import LineConfig
from tests.providers.contract.endings import CALL_ID, Ending, words_of
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import HOOK, NOW, Stage

TOMORROW = "a-word-of-tomorrow"
STAGES: Mapping[str, Stage] = {name: stage() for name, stage in stages().items()}


def endings() -> list[Ending]:
    """Every word that may end a call, one of tomorrow for each field; after a talk and without."""
    samples = []
    for provider, stage in STAGES.items():
        for field in stage.endings:
            for word in [*words_of(provider, field), TOMORROW]:
                samples += [Ending(provider, field, word, talked) for talked in (False, True)]
    return samples


def may_be_answered(ending: Ending) -> bool:
    """Whether a call that ends so can have been answered by somebody whom the agent spoke to."""
    stage = STAGES[ending.provider]
    return ending.field not in stage.unanswerable | stage.unserved


def providers() -> set[str]:
    return set(STAGES)


@cache
def _line(provider: str) -> Line:
    # Nobody is asked anything: reports are read, and their signatures are another test's matter.
    return line_of(provider)


def bodies_of(ending: Ending, call_id: str) -> list[bytes]:
    """The reports of a call that its provider knows by this id; none for an answer to a dial."""
    bodies = []
    for body in _reports(ending):
        if not isinstance(body, CallEvent):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            bodies.append(raw.replace(CALL_ID.encode(), call_id.encode()))
    return bodies


def answers_of(ending: Ending, call_id: str) -> tuple[CallEvent, ...]:
    """What the answer to the placement tells of the end; nothing where webhooks tell it."""
    events = [event for event in _reports(ending) if isinstance(event, CallEvent)]
    texts = (event.model_dump_json().replace(CALL_ID, call_id) for event in events)
    return tuple(CallEvent.model_validate_json(text) for text in texts)


def line_of(provider: str) -> Line:
    """A line of this provider, named after it, on which nothing is sent."""
    stage = STAGES[provider]
    config = LineConfig(
        name=provider,
        base_url="http://127.0.0.1:1",
        credentials=stage.credentials(),
        options=stage.options(),
    )
    return Line(provider, stage.provider_class(config), LinePolicy())


def events_of(ending: Ending) -> list[CallEvent]:
    """What the adapter reads in the reports that tell of this end, in their order."""
    line = _line(ending.provider)
    events: list[CallEvent] = []
    for body in _reports(ending):
        if isinstance(body, CallEvent):
            events += line.normalize([body])
            continue
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        events += line.normalize(line.provider.webhooks.read(raw, HOOK, NOW))
    return events


def _reports(ending: Ending) -> Iterator[Any]:
    stage = STAGES[ending.provider]
    return stage.ending_reports(CALL_ID, ending.field, ending.word, talked=ending.talked)
