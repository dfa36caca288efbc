"""Contact files whose rows are checked in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.domain.numbers.policy import NumberPolicy
from outdial.domain.rules.location import LocatedDraft, RecipientKind
from outdial.intake.contacts import row_processes
from outdial.intake.contacts.chunks import RosterChunk, read_chunks
from outdial.intake.contacts.row_processes import RowProcessFailed, processes_for
from outdial.intake.definition import LoadedDefinition, read_definition
from outdial.intake.problems import Problem
from tests.generating import examples
from tests.intake.broken import CSV_HEAD
from tests.numbering import numbers_under
from tests.waiting import until_sync

pytestmark = pytest.mark.usefixtures("folder")

TEMPLATES = """\
  default_region: US
variables:
  greeting: "Hello {{ first_name | title }}"
  about: "{{ absent }}"
  note: "{% if phone %}{{ phone }}{% endif %}"
"""


def load(people: bytes, more: str = TEMPLATES) -> LoadedDefinition:
    Path("people.csv").write_bytes(people)
    Path("campaign.yaml").write_text(CSV_HEAD + more)
    return read_definition("campaign.yaml")


def whole(
    chunks: Iterator[RosterChunk],
) -> tuple[int, list[LocatedDraft], list[Problem], int, dict[RecipientKind | str, int]]:
    """A roster however it was cut into chunks."""
    rows = omitted = 0
    recipients: list[LocatedDraft] = []
    problems: list[Problem] = []
    kinds: dict[RecipientKind | str, int] = {}
    for chunk in chunks:
        rows += chunk.rows
        recipients += chunk.recipients
        problems += chunk.problems
        omitted += chunk.omitted
        for kind, count in chunk.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return rows, recipients, problems, omitted, kinds


EVERYTHING = (
    b"\xef\xbb\xbfphone,first_name,state,consent,time_zone\n"
    b'+12025550100,"ann, ""the first""\nof her name",DC,express,\n'
    b"\n"
    b"+12025550101,bob,,,America/Denver\n"
    b"(202) 555-0100,again,DC,,\n"
    b"+12025550102,too,many,fields,,x\n"
    b"+12025550103,few\n"
    b",nobody,,,\n"
    b' , ,,"",\n'
    b"+12025550104,zo\xff,Nowhere,never,Mars\n"
    b'+12025550105,"a"b,,,\n'
    b"+447400123456,eve,,written,\n"
    b"'+12025550101,escaped,,,\n"
    b'+12025550106,"never closed,,,\n'
)


@pytest.mark.parametrize("more", [TEMPLATES, TEMPLATES.replace("absent", "phone")])
def test_two_processes_give_what_one_gives(more: str) -> None:
    loaded = load(EVERYTHING, more)
    in_turn = whole(read_chunks(loaded, processes=0))
    rows, recipients, problems, _, _ = in_turn
    assert rows == 11
    assert {problem.code for problem in problems} >= {
        "repeated_number", "ragged_row", "missing", "wrong_value", "csv_syntax", "not_utf8"
    }  # fmt: skip
    assert bool(recipients) != (more is TEMPLATES)
    assert whole(read_chunks(loaded, size=2, processes=2)) == in_turn


_FIELD = st.one_of(
    st.sampled_from(
        ["", " ", "ann", "DC", "FL", "33101", '"quoted, ""x"""', '"two\nlines"', '"', "é"]
    ),
    st.sampled_from(["express", "America/Denver", "'=1+1", "\r", "x\0y", "\ufeff"]),
)
_PHONE = st.one_of(
    st.integers(100, 109).map(lambda last: f"+12025550{last}"),
    st.sampled_from(["(202) 555-0100", "+447400123456", "+80012345678", "x", "", '"+12025550100"']),
)
_LINE = st.one_of(
    st.sampled_from([b"", b",,,", b"\xff", b'+12025550111,"open']),
    st.builds(
        lambda phone, fields: ",".join([phone, *fields]).encode("utf-8", "surrogatepass"),
        _PHONE,
        st.lists(_FIELD, min_size=2, max_size=4),
    ),
)
_FILE = st.builds(
    lambda mark, header, lines, end: mark + end.join([header, *lines]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from(
        [b"phone,first_name,state,consent", b"phone,first_name,,state", b"first_name", b""]
    ),
    st.lists(_LINE, max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
)
_SETTINGS = [HealthCheck.function_scoped_fixture]


@settings(max_examples=examples(400), suppress_health_check=_SETTINGS, deadline=None)
@given(_FILE, st.integers(1, 4))
def test_chunks_of_any_size_hold_the_same(people: bytes, size: int) -> None:
    loaded = load(people)
    in_one = whole(read_chunks(loaded, size=1000, processes=0))
    assert whole(read_chunks(loaded, size=size, processes=0)) == in_one


@pytest.mark.faults
@settings(max_examples=15, suppress_health_check=_SETTINGS, deadline=None)
@given(_FILE, st.integers(1, 4))
def test_processes_give_what_one_gives_for_any_file(people: bytes, size: int) -> None:
    loaded = load(people)
    in_turn = whole(read_chunks(loaded, processes=0))
    assert whole(read_chunks(loaded, size=size, processes=2)) == in_turn


def test_processes_call_what_this_one_calls() -> None:
    loaded = load(b"phone\n+12025550100\n+447400123456\n", "")
    with numbers_under(NumberPolicy(countries=frozenset({"US"}))):
        [chunk] = read_chunks(loaded, processes=1)
    assert [each.phone for each in chunk.recipients] == ["+12025550100"]
    assert [problem.code for problem in chunk.problems] == ["number_not_allowed"]


def people(count: int) -> bytes:
    return b"phone\n" + b"".join(b"+1202%07d\n" % (5550000 + at) for at in range(count))


def children(of: int | None = None) -> list[int]:
    """The processes that check rows for this one, or for another."""
    parent = os.getpid() if of is None else of
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in listed if row_processes.PROGRAM.encode() in _command(int(pid))]


def _command(pid: int) -> bytes:
    """Nothing for a process that has ended, also before its parent knows."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_processes_end_when_the_reading_is_given_up() -> None:
    chunks = read_chunks(load(people(500), ""), size=10, processes=2)
    next(chunks)
    assert len(children()) == 2
    chunks.close()
    assert children() == []


def test_many_files_at_once_share_the_processes_that_there_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_processes, "MOST_PROCESSES", 1)
    loaded = load(people(50), "")
    first, second = (read_chunks(loaded, size=10, processes=2) for _ in range(2))
    next(first)
    assert len(children()) == 1
    assert sum(len(chunk.recipients) for chunk in second) == 50
    assert len(children()) == 1
    first.close()
    with row_processes.granted(2) as count:
        assert count == 1


def test_a_process_that_is_killed_ends_the_reading_with_an_error() -> None:
    chunks = read_chunks(load(people(500), ""), size=10, processes=2)
    next(chunks)
    os.kill(children()[0], signal.SIGKILL)
    with pytest.raises(RowProcessFailed, match=r"ended by signal 9; is there enough memory\?"):
        list(chunks)
    assert children() == []


def test_a_defect_in_a_process_is_an_error_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_processes, "PROGRAM", "outdial.no_such_program")
    with pytest.raises(RowProcessFailed, match="ended with code 1"):
        list(read_chunks(load(people(5), ""), processes=1))


READING = """
import sys
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import read_definition
chunks = read_chunks(read_definition("campaign.yaml"), size=10, processes=2)
next(chunks)
print("reading", flush=True)
sys.stdin.read()
"""


def test_processes_end_with_a_process_that_is_killed() -> None:
    load(people(500), "")
    parent = subprocess.Popen(
        [sys.executable, "-c", READING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"reading\n"
        beside = children(parent.pid)
        assert len(beside) == 2
        parent.kill()
        until_sync(lambda: not any(map(_command, beside)))


def test_only_long_files_are_read_in_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    long = tmp_path / "long.csv"
    long.write_bytes(b"x" * row_processes.SMALLEST_FILE)
    assert processes_for(long) == 2
    assert processes_for(tmp_path) == 0
    assert processes_for(tmp_path / "absent.csv") == 0
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert processes_for(long) == 0
