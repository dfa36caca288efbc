"""One translator says what was found and what would be right, for whatever model."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outdial.domain.definition.callbacks import CallbackKind
from outdial.domain.hints import Hint, choices_at, hint_at, key_paths, keys_at
from outdial.domain.refusals import explain, explain_first
from outdial.domain.retired import RETIRED, current_name


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0)] | None = None


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Hint("write a name", suggest=str.lower), Field(pattern="^[a-z]+$")] = "x"
    colour: Colour | None = None
    colours: tuple[Colour, ...] = ()
    on: bool = False
    mode: Literal["a", "b"] = "a"
    text: str = ""
    inner: Inner = Inner()
    items: Annotated[tuple[Annotated[Inner, Hint("write an item")], ...], Hint("write items")] = ()
    tags: dict[str, Annotated[int, Hint("write a count")]] = Field(default_factory=dict)
    otherwise: Annotated[int, Field(alias="in")] = 0


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"name": "ANA"}, "name: found 'ANA'; write a name; did you mean ana?"),
    ({"colour": "gren"}, "colour: found 'gren'; write red or green; did you mean green?"),
    ({"colours": 3}, "colours: found 3; write red, green, or a list of them"),
    ({"on": "maybe"}, "on: found 'maybe'; write true or false"),
    ({"mode": "c"}, "mode: found 'c'; write one of 'a' or 'b'"),
    ({"text": 3}, "text: found 3; write a text"),
    ({"inner": {"depth": 10}}, "inner.depth: found 10; write a whole number from 1 to 9"),
    ({"inner": {"share": 0}}, "inner.share: found 0; write a number, above 0"),
    ({"inner": 3}, "inner: found 3; write keys and values"),
    ({"inner": {"dept": 1}}, "inner.dept: unknown key 'dept', did you mean depth?"),
    ({"depth": 1}, "depth: unknown key 'depth', it belongs under inner"),
    ({"inner": {"in": 1}}, "inner.in: unknown key 'in', it belongs under the top level"),
    ({"inner": {"zzz": 1}}, "inner.zzz: unknown key 'zzz', the keys here are depth, share"),
    ({"items": 3}, "items: found 3; write items"),
    ({"items": [3]}, "items[0]: found 3; write an item"),
    ({"tags": {"a": "x"}}, "tags.a: found 'x'; write a count"),
    ({"in": "x"}, "in: found 'x'; write a whole number"),
]


@pytest.mark.parametrize(("values", "sentence"), SENTENCES, ids=lambda v: str(v)[:40])
def test_sentences(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Model.model_validate(values)
    assert explain_first(refused.value, Model) == sentence


def test_without_a_model() -> None:
    with pytest.raises(ValidationError) as refused:
        Inner.model_validate({"depth": "x", "zzz": 1})
    assert [explain(each, None) for each in refused.value.errors()] == [
        "found 'x'; write a whole number",
        "unknown key 'zzz'; leave it out",
    ]


def test_a_secret_is_not_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"name": "HUNTER2", "colour": "hunter2"})
    for each in refused.value.errors():
        assert "hunter2" not in explain(each, Model, secret=True).lower()


def test_paths_of_every_key() -> None:
    paths = list(key_paths(Model))
    assert ("in",) in paths
    assert ("items", "share") in paths
    assert hint_at(Model, ("items", 4, "depth")) == Hint("write a whole number from 1 to 9")
    assert hint_at(Model, ("nothing",)) is None


@pytest.mark.parametrize("lookup", [hint_at, choices_at, keys_at])
@pytest.mark.parametrize("above", [(), ("items", 0), ("tags",)])
def test_of_the_keys_that_others_write_little_is_kept(
    lookup: Callable[[type[BaseModel], tuple[int | str, ...]], Any], above: tuple[int | str, ...]
) -> None:
    tracemalloc.start()
    try:
        for index in range(10):
            lookup(Model, (*above, f"{index}" + "x" * 1_000_000))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


class Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = ""


def test_what_was_renamed_is_refused_with_its_current_name() -> None:
    with pytest.raises(ValidationError) as refused:
        Renamed.model_validate({"because": "storm"})
    assert explain_first(refused.value, Renamed) == (
        "because: unknown key 'because', which is now reason; write reason"
    )
    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"because": "storm"})
    assert "reason" not in explain_first(refused.value, Model), "the model has no such key"


def test_a_retired_word_is_not_current_elsewhere() -> None:
    assert not RETIRED.keys() & RETIRED.values()
    assert current_name("because", ["because", "reason"]) is None, "it is in use there"
    assert current_name("because", ["text"]) is None
    assert current_name("call_back", list(CallbackKind)) == "redial"
