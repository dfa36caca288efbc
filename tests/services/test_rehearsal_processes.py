"""Runs beside each other give what runs one after the other give, and end with who asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from outdial.rehearsal.outcome import RunFigures
from outdial.services.campaigns.rehearsal_processes import (
    Interruption,
    RehearsalFailed,
    run_beside,
)
from outdial.services.campaigns.rehearsing import RehearsalProgress, rehearse
from tests.rehearsal.campaigns import rehearsal


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    interruption = Interruption()
    yield interruption
    interruption.request()


def test_runs_beside_each_other_are_those_of_their_seeds() -> None:
    of = rehearsal(30)
    seeds, shown = [3, 4, 5], list[RehearsalProgress]()
    outcome = rehearse(of, seeds, progress=shown.append)
    assert list(outcome.runs) == [of.run(seed) for seed in seeds]
    assert [progress.done for progress in shown if progress.at is None] == [1, 2, 3]


def test_one_run_shows_its_virtual_time() -> None:
    shown = list[RehearsalProgress]()
    of = rehearsal(30)
    assert rehearse(of, [3], progress=shown.append).runs == (of.run(3),)
    times = [progress.at for progress in shown if progress.at is not None]
    assert times == sorted(times)
    assert len(times) > 5


def test_one_run_is_interrupted_at_the_next_claim() -> None:
    interruption = Interruption()
    with pytest.raises(RehearsalFailed, match="interrupted"):
        rehearse(rehearsal(30), [1], progress=lambda _: interruption.request(),
                 interruption=interruption)  # fmt: skip


def test_a_process_that_is_killed_is_told(interruption: Interruption) -> None:
    runs = run_beside(rehearsal(60), range(500), 1, interruption)
    assert isinstance(next(runs), RunFigures)
    (child,) = interruption.processes()
    os.kill(child, signal.SIGKILL)
    with pytest.raises(RehearsalFailed, match=r"ended by signal 9; is there enough memory\?"):
        list(runs)


def test_an_interruption_ends_the_processes(interruption: Interruption) -> None:
    runs = run_beside(rehearsal(60), range(500), 2, interruption)
    next(runs)
    children = interruption.processes()
    assert len(children) == 2
    interruption.request()
    with pytest.raises(RehearsalFailed):
        list(runs)
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
