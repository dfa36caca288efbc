"""Runs the model of the store over random histories.

Every run has a seed of its own, printed; OUTDIAL_TEST_SEED repeats one. OUTDIAL_TEST_HISTORIES and
OUTDIAL_TEST_STEPS say how many and how long (`make soak`: 2,000 of 30). CI's generated examples are
the same in every run, but for these. Each database has a file of its own, so that both run at once.
"""

from __future__ import annotations

import os
import secrets
import sys

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import InThread, do_not_sync
from tests.store.model import model_of
from tests.store.model_invariants import MOST_A_DAY

HISTORIES = int(os.environ.get("OUTDIAL_TEST_HISTORIES", "200"))
STEPS = int(os.environ.get("OUTDIAL_TEST_STEPS", "20"))


def run_histories(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In a new database at `url`."""
    used = int(os.environ.get("OUTDIAL_TEST_SEED") or secrets.randbits(32))
    kind = url.partition(":")[0]
    with capsys.disabled():
        shown = f"\n{kind}: {HISTORIES} histories; OUTDIAL_TEST_SEED={used} repeats them\n"
        sys.stderr.write(shown)
    chosen = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        derandomize=False,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    database = InThread(url, daily_ceiling=MOST_A_DAY)
    try:
        do_not_sync(database)
        database.migrate()
        run_state_machine_as_test(seed(used)(model_of(database)), settings=chosen)
    finally:
        database.dispose()
