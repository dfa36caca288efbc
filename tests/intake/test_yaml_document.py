"""Positions in a document, and what a plain scalar means."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.nodes import Node

from outdial.intake.yaml.document import MAX_CHARACTERS, as_text, as_typed, read_yaml
from outdial.intake.yaml.place import Place
from outdial.intake.yaml.source_map import SourceMap

TEXT = """\
# a comment
name: spring
list:
  - one
  - {a: 1, b: [x, "y"]}
block: |
  text
empty:
last: >-
  more
"""


def parse(text: str) -> Node:
    root, problems = read_yaml(text, "f")
    assert list(problems) == []
    assert root is not None
    return root


@pytest.mark.parametrize(
    ("path", "shown", "line", "column", "key_line", "key_column"),
    [
        (("name",), "name", 2, 7, 2, 1),
        (("list",), "list", 4, 3, 3, 1),
        (("list", 0), "list[0]", 4, 5, 4, 5),
        (("list", 1, "b"), "list[1].b", 5, 15, 5, 12),
        (("list", 1, "b", 1), "list[1].b[1]", 5, 19, 5, 19),
        (("block",), "block", 6, 8, 6, 1),
        (("empty",), "empty", 9, 1, 8, 1),
        (("list", 1, "missing"), "list[1].missing", 5, 5, 5, 5),
        (("missing",), "missing", 2, 1, 2, 1),
        (("name", 0), "name", 2, 7, 2, 1),
    ],
)
def test_positions(
    path: tuple[int | str, ...], shown: str, line: int, column: int, key_line: int, key_column: int
) -> None:
    location = SourceMap("f", parse(TEXT)).find(path)
    assert location.path == shown
    assert location.place == Place(line, column)
    assert location.key_place == Place(key_line, key_column)


def test_texts() -> None:
    assert as_text(parse(TEXT)) == {
        "name": "spring",
        "list": ["one", {"a": "1", "b": ["x", "y"]}],
        "block": "text\n",
        "empty": None,
        "last": "more",
    }


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("12", 12), ("-3", -3), ("+12025550123", 12025550123), ("012", 12), ("0o17", 15),
        ("0x1F", 31), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("true", True),
        ("False", False), ("~", None), ("null", None), ("", None),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("12:30", "12:30"), ("1_000", "1_000"),
        ("2030-01-31", "2030-01-31"), ("2030-01-31T09:00:00+01:00", "2030-01-31T09:00:00+01:00"),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("!!int 12", 12),
        ("1234567890123456789012", "1234567890123456789012"), (".nan", ".nan"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_the_core_schema_of_yaml_1_2(written: str, typed: object) -> None:
    document = as_typed(parse(f"a: {written}"))
    assert isinstance(document, dict)
    assert document == {"a": typed}
    assert type(document["a"]) is type(typed)


def test_a_document_that_is_too_long() -> None:
    [problem] = read_yaml("a" * (MAX_CHARACTERS + 1), "f")[1]
    assert str(problem) == (
        "f:1:1: yaml: found 2000001 characters; write at most 2000000: write the recipients into a "
        "contact file, or add them in parts after the launch"
    )


def test_levels_count_through_aliases() -> None:
    chain = ["a0: &a0 " + "[" * 20 + "]" * 20]
    chain += [f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}" for n in (1, 2)]
    [problem] = read_yaml("\n".join(chain), "f")[1]
    assert str(problem) == "f:3:29: yaml: found more than 50 levels; nest fewer"


def test_brackets_without_end_never_reach_the_composer() -> None:
    """`compose()` recurses once a level: without the guard five hundred exhaust the stack."""
    with pytest.raises(RecursionError):
        YAML(typ="safe", pure=True).compose("[" * 500 + "]" * 500)
    [problem] = read_yaml("[" * 500 + "]" * 500, "f")[1]
    assert str(problem) == "f:1:52: yaml: found more than 50 levels; nest fewer"


@pytest.mark.parametrize(
    "text",
    ["a: &a [1, *a]", "a: &a {b: *a}", "b: &a x\na: &a [[*a]]"],
    ids=["list", "mapping", "again"],
)
def test_an_alias_within_what_it_names(text: str) -> None:
    [problem] = read_yaml(text, "f")[1]
    assert problem.message == (
        "found the alias *a within what &a names, which would never end; write the values out"
    )


def test_the_last_anchor_of_a_name_counts() -> None:
    """In the order in which they are written: the one in the list comes after the list's."""
    text = "a: &a 1\nb: *a\nc: &a [&a x, *a]\nd: *a\ne: &a y\nf: *a"
    assert as_text(parse(text)) == {
        "a": "1", "b": "1", "c": ["x", "x"], "d": "x", "e": "y", "f": "y",
    }  # fmt: skip


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_both_versions_of_yaml_are_read_as_1_2(version: str) -> None:
    text = f"%YAML {version}\n---\na: no\nb: 012\nc: 12:30"
    assert as_typed(parse(text)) == {"a": "no", "b": 12, "c": "12:30"}


@pytest.mark.parametrize("version", ["1.0", "1.3", "2.0"])
def test_a_version_that_there_is_not(version: str) -> None:
    [problem] = read_yaml(f"%YAML {version}\n---\na: 1", "f")[1]
    assert str(problem) == "f:1:1: yaml: found a %YAML line of another version; leave it out"


def test_problems_are_reported_together() -> None:
    """Those that end the reading after those that don't."""
    text = "a: !x 1\na: 2\n? [b]\n: 3\nc: {{ d }}\ne: *f\ng: !y 1\n"
    assert [str(problem) for problem in read_yaml(text, "f")[1]] == [
        "f:1:4: a: found the tag !x; leave it out",
        "f:2:1: a: found this key again, first on line 1; remove one",
        "f:3:3: yaml: found a list for a key; write a name",
        'f:5:4: c: found {{ }} without quotes; put quotes around all of it, as in "Hi {{ name }}"',
        "f:6:4: yaml: found the alias *f, but no &f above it; put quotes around a value that "
        "starts with *",
    ]
