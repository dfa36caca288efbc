"""Broken definitions, with place and code of every problem: unreadable YAML, wrong keys."""

from __future__ import annotations

import pytest

from outdial.domain.call.policy import Pacing
from outdial.intake.validation import validate
from tests.intake.broken import HEAD, Broken, places_and_codes, table

pytestmark = pytest.mark.usefixtures("folder")


@table(
    Broken(
        "empty file",
        "",
        ["campaign.yaml:1:1: yaml: yaml_unreadable"],
        says=["campaign.yaml:1:1: yaml: found an empty file; write a campaign definition"],
    ),
    Broken(
        "only comments",
        "# name: spring\n",
        ["campaign.yaml:1:1: yaml: yaml_unreadable"],
    ),
    Broken(
        "a list at the top",
        "- name: spring\n",
        ["campaign.yaml:1:1: definition: wrong_value"],
    ),
    Broken(
        "a colon in a value",
        "name: spring\ndescription: Note: bring a pen\n",
        ["campaign.yaml:2:18: yaml: yaml_unreadable"],
        says=[
            "campaign.yaml:2:18: yaml: found a ':' that can't start a value here; check the "
            "indentation, and put quotes around a text that holds ': '"
        ],
    ),
    Broken(
        "a tab for indentation",
        "name: spring\npacing:\n\tmax_concurrent: 3\n",
        ["campaign.yaml:3:1: yaml: yaml_unreadable"],
    ),
    Broken(
        "a quote left open",
        "name: spring\ndescription: 'for spring\nline: simulated\n",
        ["campaign.yaml:2:14: yaml: yaml_unreadable"],
    ),
    Broken(
        "a bracket left open",
        "name: spring\ncaller_ids: ['+12025550100',\npurpose: informational\n",
        ["campaign.yaml:4:1: yaml: yaml_unreadable"],
        says=[
            "campaign.yaml:4:1: yaml: found no ',' or ] here; separate values by ',' and close "
            "the [ of line 2"
        ],
    ),
    Broken(
        "an apostrophe in single quotes",
        "description: 'it's spring'\n",
        ["campaign.yaml:1:18: yaml: yaml_unreadable"],
    ),
    Broken(
        "a value that starts with @",
        "name: spring\nagent: @bookseller\n",
        ["campaign.yaml:2:8: yaml: yaml_unreadable"],
    ),
    Broken(
        "no colon after a key",
        "name: spring\npurpose\nline: simulated\n",
        ["campaign.yaml:2:1: yaml: yaml_unreadable"],
    ),
    Broken(
        "a backslash in double quotes",
        'name: "a\\qb"\n',
        ["campaign.yaml:1:10: yaml: yaml_unreadable"],
    ),
    Broken(
        "a control character",
        HEAD + "description: a\x07b\n",
        ["campaign.yaml:5:15: yaml: yaml_unreadable"],
    ),
    Broken(
        "not UTF-8",
        b"name: spring\ndescription: Fr\xfchling\n",
        ["campaign.yaml:2:16: file: not_utf8"],
    ),
    Broken(
        "two documents",
        HEAD + "---\n" + HEAD,
        ["campaign.yaml:5:1: yaml: yaml_unreadable"],
    ),
    Broken(
        "a tag that would run code",
        HEAD + "description: !!python/object:os.system x\n",
        ["campaign.yaml:5:14: description: unknown_tag"],
    ),
    Broken(
        "an alias of nothing",
        HEAD + "description: *spring\n",
        ["campaign.yaml:5:14: yaml: yaml_unreadable"],
    ),
    Broken(
        "aliases of aliases of aliases",
        "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
        "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
        ["campaign.yaml:5:8: yaml: yaml_unreadable"],
    ),
    Broken(
        "nested without end",
        HEAD + "description: " + "[" * 60 + "]" * 60 + "\n",
        ["campaign.yaml:5:64: yaml: yaml_unreadable"],
    ),
    Broken(
        "a key twice",
        HEAD + "pacing: {max_concurrent: 5}\nname: summer\n",
        ["campaign.yaml:6:1: name: repeated_key"],
    ),
    Broken(
        "a key twice below another",
        HEAD + "pacing:\n  per_minute: 5\n  per_minute: 6\n",
        ["campaign.yaml:7:3: pacing.per_minute: repeated_key"],
    ),
    Broken(
        "a list for a key",
        HEAD + "? [a, b]\n: c\n",
        ["campaign.yaml:5:3: yaml: bad_key"],
    ),
)
def test_yaml(case: Broken) -> None:
    case.check()


@table(
    Broken(
        "the key of the specification",
        HEAD + "pacing:\n  max_concurent: 20\n",
        ["campaign.yaml:6:3: pacing.max_concurent: unknown_key"],
        says=[
            "campaign.yaml:6:3: pacing.max_concurent: unknown key 'max_concurent', "
            "did you mean max_concurrent?"
        ],
    ),
    Broken(
        "a key of another place",
        HEAD + "max_concurrent: 20\ntime_zone: Europe/Berlin\n",
        [
            "campaign.yaml:5:1: max_concurrent: unknown_key",
            "campaign.yaml:6:1: time_zone: unknown_key",
        ],
        says=[
            "campaign.yaml:5:1: max_concurrent: unknown key 'max_concurrent', it belongs under "
            "pacing",
            "campaign.yaml:6:1: time_zone: unknown key 'time_zone', it belongs under schedule",
        ],
    ),
    Broken(
        "a key like no other",
        HEAD + "pacing:\n  speed: 3\n",
        ["campaign.yaml:6:3: pacing.speed: unknown_key"],
        says=[
            "campaign.yaml:6:3: pacing.speed: unknown key 'speed', the keys here are "
            + ", ".join(Pacing.model_fields)
        ],
    ),
    Broken(
        "an outcome that is never retried",
        HEAD + "retry:\n  booked: {delays: 10m}\n",
        ["campaign.yaml:6:3: retry.booked: unknown_key"],
    ),
    Broken(
        "wrong in capitals",
        "Name: spring\npurpose: informational\nagent: x\nrecipients: [{phone: '+12025550123'}]\n",
        [
            "campaign.yaml:1:1: name: missing",
            "campaign.yaml:1:1: Name: unknown_key",
        ],
    ),
    Broken(
        "keys of the contact file",
        "name: spring\npurpose: informational\nagent: {ids: x}\n"
        "recipients:\n  csv: people.csv\n  collumns: {phone: mobile}\n",
        [
            "campaign.yaml:3:1: agent.id: missing",
            "campaign.yaml:3:9: agent.ids: unknown_key",
            "campaign.yaml:6:3: recipients.collumns: unknown_key",
        ],
    ),
    Broken(
        "nothing but a line",
        "line: simulated\n",
        [
            "campaign.yaml:1:1: purpose: missing",
            "campaign.yaml:1:1: agent: missing",
            "campaign.yaml:1:1: name: missing",
            "campaign.yaml:1:1: recipients: missing",
        ],
    ),
    Broken(
        "webhooks",
        HEAD
        + "webhooks:\n  - {url: example.com}\n  - {url: https://a.example, events: call.won}\n",
        [
            "campaign.yaml:6:11: webhooks[0].url: wrong_value",
            "campaign.yaml:7:38: webhooks[1].events: wrong_value",
        ],
    ),
)
def test_keys(case: Broken) -> None:
    case.check()


def test_no_such_file() -> None:
    assert places_and_codes(validate("spring.yaml").problems) == [
        "spring.yaml:1:1: file: file_not_found"
    ]
    assert places_and_codes(validate(".").problems) == [".:1:1: file: file_unreadable"]
