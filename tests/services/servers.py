"""Fixtures of everything a door or a service needs; imported by the folders that use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from outdial.store.db.database import Database
from tests.databases import migrated
from tests.services.world import World, build_world


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
        yield database


@pytest.fixture
def world(database: Database, temporal_server: WorkflowEnvironment) -> World:
    return build_world(database, temporal_server.client)
