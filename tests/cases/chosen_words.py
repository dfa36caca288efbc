"""Which of a provider's words go the whole path: one for each way in which a call can end, always,
and of the others a few or all.

OUTDIAL_TEST_WORDS says how many of the others, or "all" (`make soak`). Every run draws them anew by
a seed of its own, printed; OUTDIAL_TEST_SEED repeats one.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
from typing import Any

import pytest

from outdial.domain.call.status import CALL_ME_LATER
from tests.cases import endings
from tests.cases.endings import answers_of, bodies_of, events_of
from tests.cases.test_thirty_calls import end_of
from tests.providers.contract.endings import Ending

MORE = os.environ.get("OUTDIAL_TEST_WORDS", "2")
ALL = MORE == "all"
FEW = 2 if ALL else int(MORE)
SEED = int(os.environ.get("OUTDIAL_TEST_SEED") or secrets.randbits(32))
_shown: list[int] = []


def chosen_words(provider: str, capsys: pytest.CaptureFixture[str]) -> list[Ending]:
    """All of them if that was asked for, else as few as `a_few_words`."""
    always, others = _in_two(provider)
    return always + others if ALL else a_few_words(provider, capsys)


def a_few_words(provider: str, capsys: pytest.CaptureFixture[str]) -> list[Ending]:
    """One for each way in which a call can end, and some that are drawn."""
    _show_seed(capsys)
    always, others = _in_two(provider)
    return always + random.Random(f"{SEED} {provider}").sample(others, min(FEW, len(others)))


def drawn_provider(capsys: pytest.CaptureFixture[str]) -> str:
    _show_seed(capsys)
    return random.Random(SEED).choice(sorted(endings.providers()))


def asks_for_a_call(ending: Ending) -> bool:
    """Whether the person wants to be called again."""
    return any(event.disposition == CALL_ME_LATER for event in events_of(ending))


def _in_two(provider: str) -> tuple[list[Ending], list[Ending]]:
    """One of those that the store sees alike, told by the same kind of report; and the others."""
    first: dict[tuple[Any, ...], Ending] = {}
    others = []
    for ending in endings.endings():
        dialing = bool(answers_of(ending, "x"))
        if ending.provider != provider or (dialing and ending.talked):
            continue  # nobody has talked before a dial is answered
        end = end_of(ending)
        summary = end and (end.status, end.failure, end.fault, asks_for_a_call(ending))
        key = (summary, bool(bodies_of(ending, "x")), ending.talked)
        if first.setdefault(key, ending) is not ending:
            others.append(ending)
    return list(first.values()), others


def _show_seed(capsys: pytest.CaptureFixture[str]) -> None:
    if not _shown:
        _shown.append(SEED)
        with capsys.disabled():
            shown = f"\n{FEW} more words of each provider; OUTDIAL_TEST_SEED={SEED} repeats them\n"
            sys.stderr.write(shown)
