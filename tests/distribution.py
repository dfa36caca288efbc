"""Which tests run on which process of `pytest --numprocesses`. A plugin of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/e2e/one_stack/",)
"""Folders whose files share something that takes seconds to start: one process runs them all."""


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    def _split_scope(self, nodeid: str) -> str:
        for folder in TOGETHER:
            if nodeid.startswith(folder):
                return folder
        return str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> Generator[None, int, int]:
    """For `auto`, one process more than there are cores: many tests wait for a server or a process
    of theirs, and another one computes meanwhile. For `logical`, as many as there are."""
    cores = yield
    return cores + 1 if config.getvalue("numprocesses") == "auto" else cores


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Scheduling | None:
    return _Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None
