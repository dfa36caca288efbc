"""Maps of words are total."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from outdial import providers
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.reports.status_map import Meaning, StatusMap, load_maps

BUSY = Meaning(status=CallStatus.BUSY)
LOST = Meaning(status=CallStatus.FAILED, failure=FailureClass.UNKNOWN)
WORDS = StatusMap(
    field="vendor status",
    source="the vendor's documents",
    rows={"busy": BUSY, "call.start.known": BUSY},
    prefixes=(("call.start.", LOST), ("call.", BUSY)),
    otherwise=LOST,
)
FILES = sorted(Path(providers.__file__).parent.glob("adapters/*/status.json"))


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("busy", BUSY),
        ("call.start.known", BUSY),
        ("call.start.else", LOST),
        ("call.else", BUSY),
        (None, Meaning()),
    ],
)
def test_a_word_means(word: str | None, meaning: Meaning, caplog: pytest.LogCaptureFixture) -> None:
    assert WORDS.meaning_of(word) == meaning
    assert caplog.records == []


def test_an_unknown_word_is_logged_and_safe(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert WORDS.meaning_of("levitating") == LOST
    assert "vendor status: levitating" in caplog.text


@pytest.mark.parametrize(
    "word", ["+12025550143", "call 2025550143 failed", "Ada Lovelace", "a" * 200, "", "two\nlines"]
)
def test_what_may_be_about_a_person_is_not_logged(
    word: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert WORDS.meaning_of(word) == LOST
    assert f"(not a word, {len(word)} characters)" in caplog.text
    assert not word or word not in caplog.text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_file_is_read_and_says_where_it_is_from(path: Path) -> None:
    for one in load_maps(path).values():
        assert one.source
        assert one.rows
        assert one.field.split()[0].lower() == path.parent.name


@pytest.mark.parametrize(
    "spoil",
    [
        {"status": "levitating"},
        {"status": "failed"},
        {"failure": "dunno"},
        {"answered_by": "fax"},
        {"state": "busy"},
    ],
)
def test_a_file_with_a_mistake_is_none(tmp_path: Path, spoil: dict[str, str]) -> None:
    path = tmp_path / "status.json"
    path.write_text(json.dumps({"map": {"field": "f", "source": "s", "rows": {"word": spoil}}}))
    with pytest.raises(ValidationError):
        load_maps(path)
