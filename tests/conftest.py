"""Options that hold for every test, and servers that tests of all folders share; other fixtures
stand beside the tests that need them."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.generating import examples

pytest_plugins = ["tests.backends", "tests.distribution", "tests.temporal"]

# A shared machine is slow at times, which is no property of the code.
settings.register_profile("local", deadline=None, max_examples=examples(100))
# A red run is repeated on the same examples; new ones are found locally.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=examples(100))


def pytest_configure(config: pytest.Config) -> None:
    """Forget the caller's own settings, so that no test reaches a real cluster or database, and
    run workflows in the sandbox.

    OUTDIAL_TEST_* stay: they are meant for the tests.
    """
    for name in list(os.environ):
        if name.startswith(("OUTDIAL_", "TEMPORAL_")) and not name.startswith("OUTDIAL_TEST_"):
            del os.environ[name]
    # Workers that tests start are given the environment: what the sandbox refuses fails a test.
    os.environ["OUTDIAL_WORKFLOW_SANDBOX"] = "true"
    settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The schema first: while a migration is missing, every test of the store fails for it."""
    items.sort(key=lambda item: item.path.name != "test_newest_schema.py")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without looking for garbage, and afterwards leave them out of that search.

    It would go over thousands of items again and again, for half of the time of collecting and a
    tenth of that of running.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
