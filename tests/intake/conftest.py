from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.domain.numbers.policy import NumberPolicy, NumberType
from tests.numbering import numbers_under


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that messages name files without their folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def calls_toll_free() -> Iterator[None]:
    """An installation that calls freephone numbers, some of which belong to no place."""
    with numbers_under(NumberPolicy(types=frozenset({NumberType.TOLL_FREE}))):
        yield
