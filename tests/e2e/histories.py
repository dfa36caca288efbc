"""Histories of workflows, over all their runs, and what can be read in them."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

AT_ONCE = 8
"""Histories fetched at the same time."""


async def chain(client: Client, workflow_id: str) -> list[WorkflowHistory]:
    """The histories of an execution, from its first run through continue-as-new to its last."""
    last = await client.get_workflow_handle(workflow_id).fetch_history()
    started = last.events[0].workflow_execution_started_event_attributes
    run: str = started.first_execution_run_id
    runs = []
    while run:
        history = await client.get_workflow_handle(workflow_id, run_id=run).fetch_history()
        runs.append(history)
        run = _next_run(history.events[-1])
    return runs


async def histories(client: Client, workflow_ids: Iterable[str]) -> dict[str, WorkflowHistory]:
    """The latest run of each."""
    free = asyncio.Semaphore(AT_ONCE)

    async def fetch(workflow_id: str) -> tuple[str, WorkflowHistory]:
        async with free:
            return workflow_id, await client.get_workflow_handle(workflow_id).fetch_history()

    return dict(await asyncio.gather(*(fetch(each) for each in workflow_ids)))


def counted(runs: Iterable[WorkflowHistory]) -> Counter[str]:
    """Events by type."""
    return Counter(
        EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        for history in runs
        for event in history.events
    )


def texts(history: WorkflowHistory) -> Iterator[str]:
    """Every text in a history, those in payloads decoded."""
    yield from _texts(history.to_json_dict())


def summaries(history: WorkflowHistory) -> list[str]:
    """What a person reads in the events' rows: summaries of timers, activities and children."""
    texts = []
    for event in history.events:
        if event.HasField("user_metadata") and event.user_metadata.HasField("summary"):
            texts.append(event.user_metadata.summary.data.decode().strip('"'))
    return texts


def _next_run(last: HistoryEvent) -> str:
    if last.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
        return ""
    return last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
        decoded = _decoded(value)
        if decoded is not None:
            yield decoded


def _decoded(text: str) -> str | None:
    """What a payload's data says; None for a text that is not base64."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
