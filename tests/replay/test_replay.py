"""Histories recorded by earlier versions replay on this one.

A workflow that was changed either still replays all of these or is versioned with
`workflow.patched`. New shapes are added by `python -m tests.replay.record`; a history that is
here is never recorded anew, since it stands for a run that may still be going on somewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from workflows.registry import WORKFLOWS, sandbox

FOLDER = Path(__file__).parent / "histories"
HISTORIES = sorted(FOLDER.glob("*.json"))
CALL_ANSWERED = FOLDER / "call_answered.json"
SHAPES = {
    "call_answered",
    "call_busy_before_the_response",
    "call_not_placed",
    "call_silent_then_found",
    "call_request_lost",
    "call_unknown_to_the_end",
    "call_cancelled",
    "call_hung_up",
    "call_waiting",
    "campaign_finished",
    "campaign_continued_first_run",
    "campaign_continued_last_run",
    "campaign_paused_resumed_added",
    "campaign_changed",
    "campaign_stopped",
    "campaign_cancelled",
    "campaign_waiting",
    "request_settled",
    "request_withdrawn",
    "sweep",
    "callbacks_done",
    "callbacks_undone",
    "delivery_waiting",
    "delivery_drained",
    "delivery_continued_first_run",
    "run_campaign_waiting",
    "run_campaign_finished",
    "run_campaign_already_running",
    "run_campaign_refused",
    "run_campaign_cancelled",
}


def replayer() -> Replayer:
    return Replayer(
        workflows=list(WORKFLOWS),
        data_converter=pydantic_data_converter,
        workflow_runner=sandbox(),
    )


def recorded(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_replays(path: Path) -> None:
    await replayer().replay_workflow(recorded(path))


def test_every_shape_is_there() -> None:
    assert {path.stem for path in HISTORIES} >= SHAPES


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    """What tells a changed workflow must be able to fail."""
    text = CALL_ANSWERED.read_text()
    changed = text.replace('"place_call"', '"another_activity"')
    assert changed != text
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("changed", changed))
