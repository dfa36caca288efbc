"""Positions in a document, and what a plain scalar means."""

from __future__ import annotations

import pytest

from outdial.intake.yaml.document import MAX_CHARACTERS, read_yaml
from outdial.intake.yaml.nodes import Node, Place, locate

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
    document = read_yaml(text, "f")
    assert list(document.problems) == []
    assert document.root is not None
    return document.root


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
    found = locate(parse(TEXT), path)
    assert found.path == shown
    assert found.place == Place(line, column)
    assert found.key_place == Place(key_line, key_column)


def test_texts() -> None:
    assert parse(TEXT).as_text() == {
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
    document = parse(f"a: {written}").as_typed()
    assert isinstance(document, dict)
    assert document == {"a": typed}
    assert type(document["a"]) is type(typed)


def test_a_document_that_is_too_long() -> None:
    [problem] = read_yaml("a" * (MAX_CHARACTERS + 1), "f").problems
    assert str(problem) == (
        "f:1:1: yaml: found 2000001 characters; write at most 2000000: write the recipients into a "
        "contact file, or add them in parts after the launch"
    )


def test_levels_count_through_aliases() -> None:
    chain = ["a0: &a0 " + "[" * 20 + "]" * 20]
    chain += [f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}" for n in (1, 2)]
    [problem] = read_yaml("\n".join(chain), "f").problems
    assert str(problem) == "f:3:29: yaml: found more than 50 levels; nest fewer"
