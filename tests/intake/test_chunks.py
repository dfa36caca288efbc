"""Rosters read in one pass, in chunks."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.domain.definition.source import CsvSource, InlineRecipient
from outdial.domain.rules.location import LocatedDraft, RecipientKind
from outdial.domain.rules.zone import ZoneEvidence, zone_evidence
from outdial.intake.contacts.chunks import RosterChunk, read_chunks
from outdial.intake.contacts.delimiter import sniff_delimiter
from outdial.intake.definition import LoadedDefinition, read_definition, with_recipients
from outdial.intake.problems import MAX_PROBLEMS
from tests.intake.broken import CSV_HEAD

pytestmark = pytest.mark.usefixtures("folder")

ANN = "+12025550123"


def load(people: str, more: str = "") -> LoadedDefinition:
    Path("people.csv").write_text(people)
    Path("campaign.yaml").write_text(CSV_HEAD + more)
    return read_definition("campaign.yaml")


def numbers(count: int) -> list[str]:
    return [f"+1202555{at:04}" for at in range(count)]


def test_a_roster_comes_in_chunks_of_located_recipients() -> None:
    people = "phone,state,consent\n" + "".join(f"{each},DC,express\n" for each in numbers(5))
    chunks = list(read_chunks(load(people), size=2))
    assert [len(chunk.recipients) for chunk in chunks] == [2, 2, 1]
    assert [chunk.rows for chunk in chunks] == [2, 2, 1]
    recipients = [each for chunk in chunks for each in chunk.recipients]
    assert [each.position for each in recipients] == [0, 1, 2, 3, 4]
    zones = zone_evidence("+12025550000", state="DC").model_dump_json(exclude_none=True)
    assert recipients[0] == LocatedDraft(
        position=0,
        phone="+12025550000",
        alternate_phones=(),
        zones=zones,
        refusal=None,
        consent=recipients[0].consent,
        variables={},
    )
    assert recipients[0].consent is not None
    ((kind, count),) = chunks[0].kinds.items()
    assert count == 2
    assert isinstance(kind, RecipientKind)
    assert kind.zones == ZoneEvidence.model_validate_json(zones).candidates


def test_a_chunk_comes_before_the_next_is_read() -> None:
    people = "phone\n" + "".join(f"{each}\n" for each in numbers(100)) + "not a number\n"
    chunks = read_chunks(load(people), size=10)
    assert [each.phone for each in next(chunks).recipients] == numbers(10)
    assert list(chunks)[-1].problems[0].line == 102


def test_a_chunk_of_long_rows_has_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outdial.intake.contacts.table.MAX_CHUNK", 4000)
    rows = [f"{each},{'x' * 86}\n" for each in numbers(100)]
    chunks = list(read_chunks(load("phone,note\n" + "".join(rows))))
    assert [chunk.rows for chunk in chunks] == [40, 40, 20]
    assert [r.position for chunk in chunks for r in chunk.recipients] == list(range(100))


def test_blank_lines_before_the_header_are_not_kept() -> None:
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in [*["  \n"] * 100_000, "name;phone\n"]:
            read += 1
            yield line

    tracemalloc.start()
    try:
        first, delimiter = sniff_delimiter(lines(), "phone")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (read, delimiter) == (100_001, ";")
    assert kept < 10_000
    *blank, header = first
    assert (set(blank), len(blank), header) == ({"\n"}, 100_000, "name;phone\n")


def test_problems_do_not_end_the_reading_and_the_first_thousand_are_kept() -> None:
    people = "phone\n" + "x\n" * (MAX_PROBLEMS + 2) + f"{ANN}\n"
    chunks = list(read_chunks(load(people), size=300))
    assert sum(len(chunk.problems) for chunk in chunks) == MAX_PROBLEMS
    assert sum(chunk.omitted for chunk in chunks) == 2
    assert sum(chunk.rows for chunk in chunks) == MAX_PROBLEMS + 3
    assert [each.phone for chunk in chunks for each in chunk.recipients] == [ANN]


@pytest.mark.usefixtures("calls_toll_free")
@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("phone,phone_2", "rename it to alternate_phones to have it called too"),
        ("phone,alternate_phones,phone_2", "move its numbers into alternate_phones to have"),
        ("name,mobile", "rename the one with the number to call to phone, such as mobile"),
        ("phone\n2025550123", "write it with + and the country code, such as +12025550123"),
        ("phone\n+80012345678", "which tells no time zone; write a time_zone for it"),
    ],
)
def test_problems_of_another_file_ask_for_no_change_of_a_definition(
    tmp_path: Path, file: str, says: str
) -> None:
    """Nobody who adds a file to a campaign can change what it was launched with."""
    (tmp_path / "more.csv").write_text(f"{file}\n")
    more = with_recipients(load("phone\n").definition, CsvSource(csv="more.csv"), base=tmp_path)
    first = next(problem for chunk in read_chunks(more) for problem in chunk.problems)
    assert says in first.message
    assert not any(word in first.message for word in ("definition", "default_region", "schedule"))


def test_recipients_of_a_request_or_of_another_file_are_read_alike(tmp_path: Path) -> None:
    definition = load("phone\n").definition
    listed = with_recipients(definition, (InlineRecipient(phone=ANN), InlineRecipient(phone="x")))
    [chunk] = read_chunks(listed)
    assert [each.phone for each in chunk.recipients] == [ANN]
    assert [str(each) for each in chunk.problems] == [
        "request:1:1: recipients[1].phone: found 'x', which is no telephone number; "
        "write one such as +12025550123"
    ]
    (tmp_path / "more.csv").write_text(f"phone\n{ANN}\n")
    more = with_recipients(definition, CsvSource(csv="more.csv"), base=tmp_path)
    assert [each.phone for chunk in read_chunks(more) for each in chunk.recipients] == [ANN]


def test_a_list_of_nobody_is_a_problem() -> None:
    chunks: list[RosterChunk] = list(read_chunks(with_recipients(load("phone\n").definition, ())))
    assert [problem.code for problem in chunks[0].problems] == ["no_recipients"]
