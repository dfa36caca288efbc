"""Random histories of the store, with kills between any two transactions and clocks that differ.

Every run has a seed of its own, printed; OUTDIAL_TEST_SEED repeats one. OUTDIAL_TEST_HISTORIES and
OUTDIAL_TEST_STEPS say how many and how long (`make soak`: 2,000 of 30). CI's generated examples are
the same in every run, but for these.
"""

from __future__ import annotations

import os
import secrets
import sys

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from store.database import Database
from tests.store.model import model_of

HISTORIES = int(os.environ.get("OUTDIAL_TEST_HISTORIES", "100"))
STEPS = int(os.environ.get("OUTDIAL_TEST_STEPS", "20"))


@pytest.mark.faults
def test_random_histories(
    session_database: Database, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    used = int(os.environ.get("OUTDIAL_TEST_SEED") or secrets.randbits(32))
    with capsys.disabled():
        told = f"\n{backend}: {HISTORIES} histories; OUTDIAL_TEST_SEED={used} repeats them\n"
        sys.stderr.write(told)
    if backend == "sqlite":
        _do_not_sync(session_database)
    chosen = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        derandomize=False,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(used)(model_of(session_database)), settings=chosen)


def _do_not_sync(database: Database) -> None:
    """Nothing here survives a power cut anyway."""
    connection = database._write_engine.raw_connection()
    connection.cursor().execute("PRAGMA synchronous = OFF")
    connection.close()
