"""The JSON Schema: current, sound, and of one mind with the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.schema import campaign_schema, schema_text
from outdial.intake.yaml.document import as_typed, read_yaml
from tests.intake.broken import HEAD

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(campaign_schema())


def schema_errors(text: str) -> list[str]:
    """As an editor sees the text, which reads it by the core schema."""
    root = read_yaml(text, "f")[0]
    assert root is not None
    return [error.json_path for error in VALIDATOR.iter_errors(as_typed(root))]


def test_the_stored_schema_is_current() -> None:
    stored = (ROOT / "schema" / "campaign.schema.json").read_text(encoding="utf-8")
    assert stored == schema_text(), "run: outdial schema > schema/campaign.schema.json"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(campaign_schema())


def described(schema: Any, path: str = "$") -> list[str]:
    """Properties without a description of their own, nor of what they refer to."""
    bare = []
    definitions = campaign_schema()["$defs"]
    for name, inner in schema.get("properties", {}).items():
        target = definitions[inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
        if "description" not in inner and "description" not in target:
            bare.append(f"{path}.{name}")
    return bare


def test_every_key_is_described() -> None:
    schema = campaign_schema()
    everything = [schema, *schema["$defs"].values()]
    assert [path for part in everything for path in described(part, part["title"])] == []


def test_no_key_is_free_but_a_recipients() -> None:
    schema = campaign_schema()
    objects = {"campaign": schema, **schema["$defs"]}
    free = [
        name
        for name, part in objects.items()
        if part.get("type") == "object" and part["additionalProperties"] is not False
    ]
    assert free == ["InlineRecipient"]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "caller_ids: '+12025550100'",
        "caller_ids: ['+12025550100', '+12025550101']",
        "schedule: {hours: 09:00-12:00, days: mon, excluded_dates: 2030-12-25}",
        "schedule: {hours: [09:00-12:00, 13:00-18:00], days: [mon], excluded_dates: [2030-12-25]}",
        "schedule: {start: 2030-01-31T09:00:00+01:00, time_zone: null}",
        "retry: {busy: {delays: 10m}, no_answer: {delays: [2h, next_day]}, unknown: null}",
        "max_duration: 1h30m",
        "pacing: {max_concurrent: 3, per_minute: null}",
        "variables: {a: 'Hi {{ phone }}'}",
        "callbacks: [{do: suppress, when: {outcome: busy, data: {a.b: [x, y], c: {at_least: 3}}}}]",
        "calendar: {name: clinic, time_zone: Europe/Berlin, hours: [09:00-12:00], capacity: 2}",
    ],
)
def test_what_the_reader_takes_the_schema_takes(more: str) -> None:
    text = HEAD + more
    read_definition_text(text)
    assert schema_errors(text) == []


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("pacing: {max_concurent: 3}", "$.pacing"),
        ("pacing: {max_concurrent: 0}", "$.pacing.max_concurrent"),
        ("max_duration: 10", "$.max_duration"),
        ("schedule: {hours: 9-18}", "$.schedule.hours"),
        ("schedule: {days: [monday]}", "$.schedule.days"),
        ("retry: {busy: 10m}", "$.retry.busy"),
        ("webhooks: [{url: x}]", "$.webhooks[0].url"),
        ("recording: maybe", "$.recording"),
    ],
)
def test_what_the_schema_flags_the_reader_refuses(more: str, path: str) -> None:
    text = HEAD + more
    assert schema_errors(text) == [path]
    with pytest.raises(DefinitionInvalid):
        read_definition_text(text)


def test_an_agent_by_id_or_with_settings() -> None:
    for line in ("main", "[main]", "[{name: main, weight: 2}, spare]", "{name: main}"):
        assert schema_errors(HEAD + f"line: {line}\n") == []
    assert schema_errors(HEAD + "line: [{name: main, weight: -1}]\n") != []
    assert schema_errors(HEAD.replace("bookseller", "{id: a, settings: {x: 1}}")) == []
    assert schema_errors(HEAD.replace("bookseller", "{settings: {x: 1}}")) == ["$.agent"]
