"""The thirty calls once more, along the whole path: webhook, call workflow, sweeper, store.

For each provider, and each way in which its report can come to the store. `chosen_words` says which
words go it: a part here, all of them by `make soak`.
"""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.store.db.database import Database
from tests.backends import Kept
from tests.cases import endings
from tests.cases.chosen_words import (
    ALL,
    a_few_words,
    asks_for_a_call,
    chosen_words,
    drawn_provider,
)
from tests.cases.test_thirty_calls import ATTEMPTS, RETRY, end_of
from tests.cases.whole_path import FarSide, WholePath
from tests.databases import empty
from tests.services.servers import database

__all__ = ["database"]

pytestmark = pytest.mark.faults
DEFINITION = {"retry": {"max_attempts": ATTEMPTS, **RETRY}, "max_duration": "1m"}
PARTLY = ("by_workflow", "by_either_sweep")
WAYS = ("by_workflow", "by_sweeper", "by_webhook_and_sweeper") if ALL else PARTLY


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("provider", sorted(endings.providers()))
async def test_no_word_makes_a_storm(
    provider: str,
    way: str,
    database: Database,
    temporal_server: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    far = FarSide(provider, chosen_words(provider, capsys), monkeypatch)
    async with WholePath(database, far, temporal_server.client).open() as path:
        await path.day(getattr(path, way), **DEFINITION)
    _check(far, path, way)


@pytest.mark.parametrize("way", PARTLY)
async def test_no_word_makes_a_storm_on_postgresql(
    way: str,
    kept: Kept,
    temporal_server: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A part of the words: of one provider, or of each in the long run."""
    _, database = kept("postgresql")
    for provider in sorted(endings.providers()) if ALL else [drawn_provider(capsys)]:
        empty(database)
        with monkeypatch.context() as patched:
            far = FarSide(provider, a_few_words(provider, capsys), patched)
            async with WholePath(database, far, temporal_server.client).open() as path:
                await path.day(getattr(path, way), **DEFINITION)
        _check(far, path, way)


def _check(far: FarSide, path: WholePath, way: str) -> None:
    assert far.rang.keys() == far.endings.keys(), "everybody was called"
    storms = {str(far.endings[to]): n for to, n in far.rang.items() if n > ATTEMPTS}
    assert not storms
    for to, n in far.rang.items():
        end = end_of(far.endings[to])
        if end is None or asks_for_a_call(far.endings[to]):
            continue
        if end.status is CallStatus.COMPLETED and end.answered_by is not AnsweredBy.MACHINE:
            assert n == 1, f"{far.endings[to]}: whoever talked is not called again"
    _check_records(far, path, way)


def _check_records(far: FarSide, path: WholePath, way: str) -> None:
    """Every call ended, and as the word says wherever it tells an end."""
    wrong, assumed = {}, 0
    for call_id in far.called():
        ending, record = far.ending_of(call_id), path.record_of(call_id)
        end = end_of(ending)
        assumed += end is None
        if end is None:
            assert record.status.terminal, str(ending)
        elif (record.status, record.failure) != (end.status, end.failure):
            wrong[str(ending)] = (record.status, record.failure)
    assert not wrong
    assert path.swept == (assumed if way == "by_workflow" else len(far.called()))
