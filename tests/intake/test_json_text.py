"""Definitions in JSON: the nodes, places and problems that YAML gives of the same text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid, Problem
from outdial.intake.yaml import document, guard
from outdial.intake.yaml.document import as_text, as_typed, read_yaml
from outdial.intake.yaml.guard import MAX_DEPTH
from tests.generating import examples

_TEXTS = st.one_of(
    st.sampled_from(
        ["", "01", "+1202", "null", "- k", "x: y", "#z", "{{ a }}", '"q"', "a\n", "\u2028"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=5),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


def shape(node: Node | None) -> Any:
    """Everything that is read of a node."""
    if node is None:
        return None
    place = node.start_mark.line, node.start_mark.column
    inner: Any = node.value
    if isinstance(node, MappingNode):
        inner = [(shape(key), shape(value)) for key, value in node.value]
    elif isinstance(node, SequenceNode):
        inner = [shape(each) for each in node.value]
    return type(node).__name__, node.tag, inner, place


def both(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """What is made of a text as JSON, and as YAML."""

    def read() -> tuple[Any, list[Problem]]:
        root, problems = read_yaml(text, "f")
        return shape(root), list(problems)

    with monkeypatch.context() as patched:
        patched.setattr(document, "compose_json", lambda *_: None)
        as_yaml = read()
    with monkeypatch.context() as patched:
        patched.setattr(document, "_compose", None)
        return read(), as_yaml


@settings(max_examples=examples(300))
@given(
    st.lists(_VALUES, max_size=3) | st.dictionaries(_TEXTS, _VALUES, max_size=3),
    st.booleans(),
    st.sampled_from([None, 0, 2]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_json_is_read_as_yaml_is(
    value: Any, escaped: bool, indent: int | None, line_end: str
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent).replace("\n", line_end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "compose_json", lambda *_: None)
        root, problems = read_yaml(text, "f")
        as_yaml = shape(root), list(problems)
    root, problems = read_yaml(text, "f")
    if any("surrogate" in problem.message for problem in as_yaml[1]):
        assert not problems, "two halves of a character"
    else:
        assert (shape(root), list(problems)) == as_yaml


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,\n "b": {"c": 2, "c": 3},\r\n  "a": null}',
        '{"a": [{"b": 1}, {"b": 1, "x": 2, "b": 3}]}',
        '{"a": "\\ud800", "b": "x\\udfff"}',
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        '{"a":' * (MAX_DEPTH + 2) + "1" + "}" * (MAX_DEPTH + 2),
        "[" + "1," * 200 + "1]",
        "\n\n " + '{"a": 1e999, "b": 123456789012345678901234, "c": -0, "d": 1E+2}',
    ],
)
def test_problems_stand_where_those_of_yaml_do(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_NODES", 150)
    as_json, as_yaml = both(text, monkeypatch)
    assert as_json == as_yaml


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1}", "{'a': 1}", '{"a": 1,}', "[1, 2,]", '{"a": 1} # more', '{"a": 1}\n---\n{}', "[1",
        '{"a"', '{"a":', '{"a": "x', '{"a": 01}', '{"a": NaN}', '{"a": +1}', '{"a": 1 "b": 2}',
        '{"a": "x\ny"}', '{"a": "\\q"}', '{"a": "\u2028"}', '{"a": "\x80"}', "name: x", '"x"', "",
        "[" * 40 + "x", '{"a": "\ufeff"}', '{"a": tru}', "[,1]", '{,"a": 1}', '{1: 2}', "{\v}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_read_as_yaml(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root, problems = read_yaml(text, "f")
    given = shape(root), list(problems)
    monkeypatch.setattr(document, "compose_json", lambda *_: None)
    root, problems = read_yaml(text, "f")
    assert given == (shape(root), list(problems))


def test_a_character_of_two_escapes_is_one() -> None:
    root, problems = read_yaml('{"a": "\\ud83d\\ude00"}', "f")
    assert root is not None
    assert (as_text(root), list(problems)) == ({"a": "\U0001f600"}, [])
    assert as_typed(root) == {"a": "\U0001f600"}


def test_a_problem_of_a_recipient_names_its_line() -> None:
    people = [{"phone": "+12025550143", "time_zone": "UTC"}, {"phone": [1]}]
    definition = {"name": "x", "purpose": "informational", "agent": "a", "recipients": people}
    with pytest.raises(DefinitionInvalid) as refused:
        read_definition_text(json.dumps(definition | {"nme": 1}, indent=1), name="body")
    places = [(problem.field, problem.line) for problem in refused.value.problems]
    assert places == [("recipients[1].phone", 11), ("nme", 16)]


def test_scalars_have_the_tags_of_the_core_schema() -> None:
    root, _ = read_yaml('[1, -1.5, 1e3, true, false, null, "1"]', "f")
    assert root is not None
    kinds = [
        str(item.tag).rpartition(":")[2] for item in root.value if isinstance(item, ScalarNode)
    ]
    assert kinds == ["int", "float", "float", "bool", "bool", "null", "str"]
