"""Broken definitions, each with the exact messages: YAML that can't be read, wrong keys."""

from __future__ import annotations

import pytest

from outdial.intake.validation import validate
from tests.intake.broken import HEAD, Broken, table

pytestmark = pytest.mark.usefixtures("folder")


@table(
    Broken(
        "empty file",
        "",
        ["campaign.yaml:1:1: yaml: found an empty file; write a campaign definition"],
    ),
    Broken(
        "only comments",
        "# name: spring\n",
        ["campaign.yaml:1:1: yaml: found an empty file; write a campaign definition"],
    ),
    Broken(
        "a list at the top",
        "- name: spring\n",
        [
            "campaign.yaml:1:1: definition: found a list; write a campaign definition: name:, "
            "purpose:, agent:, recipients: and so on"
        ],
    ),
    Broken(
        "a colon in a value",
        "name: spring\ndescription: Note: bring a pen\n",
        [
            "campaign.yaml:2:18: yaml: found a ':' that can't start a value here; check the "
            "indentation, and put quotes around a text that holds ': '"
        ],
    ),
    Broken(
        "a tab for indentation",
        "name: spring\npacing:\n\tmax_concurrent: 3\n",
        ["campaign.yaml:3:1: yaml: found a tab; indent with spaces"],
    ),
    Broken(
        "a quote left open",
        "name: spring\ndescription: 'for spring\nline: simulated\n",
        ["campaign.yaml:2:14: yaml: found a quote that is never closed; close it"],
    ),
    Broken(
        "a bracket left open",
        "name: spring\ncaller_ids: ['+12025550100',\npurpose: informational\n",
        [
            "campaign.yaml:4:1: yaml: found no ',' or ] here; separate values by ',' and close "
            "the [ of line 2"
        ],
    ),
    Broken(
        "an apostrophe in single quotes",
        "description: 'it's spring'\n",
        [
            "campaign.yaml:1:18: yaml: found something that does not fit what stands before it; "
            "check the indentation, and put quotes around the whole value"
        ],
    ),
    Broken(
        "a value that starts with @",
        "name: spring\nagent: @bookseller\n",
        ["campaign.yaml:2:8: yaml: found @ at the start of a value; put quotes around the value"],
    ),
    Broken(
        "no colon after a key",
        "name: spring\npurpose\nline: simulated\n",
        ["campaign.yaml:2:1: yaml: found no ':' after this key; write key: value"],
    ),
    Broken(
        "a backslash in double quotes",
        'name: "a\\qb"\n',
        ["campaign.yaml:1:10: yaml: found \\q in double quotes; write \\\\q, or use single quotes"],
    ),
    Broken(
        "a control character",
        HEAD + "description: a\x07b\n",
        ["campaign.yaml:5:15: yaml: found the control character U+0007; remove it"],
    ),
    Broken(
        "not UTF-8",
        b"name: spring\ndescription: Fr\xfchling\n",
        ["campaign.yaml:2:16: file: found the byte 0xfc, which is not UTF-8; save it as UTF-8"],
    ),
    Broken(
        "two documents",
        HEAD + "---\n" + HEAD,
        ["campaign.yaml:5:1: yaml: found a second document; write one a file"],
    ),
    Broken(
        "a tag that would run code",
        HEAD + "description: !!python/object:os.system x\n",
        [
            "campaign.yaml:5:14: description: found the tag "
            "tag:yaml.org,2002:python/object:os.system; leave it out"
        ],
    ),
    Broken(
        "an alias of nothing",
        HEAD + "description: *spring\n",
        [
            "campaign.yaml:5:14: yaml: found the alias *spring, but no &spring above it; put "
            "quotes around a value that starts with *"
        ],
    ),
    Broken(
        "aliases of aliases of aliases",
        "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
        "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
        [
            "campaign.yaml:5:8: yaml: found aliases that repeat more than 10000 values; "
            "write them out"
        ],
    ),
    Broken(
        "nested without end",
        HEAD + "description: " + "[" * 60 + "]" * 60 + "\n",
        ["campaign.yaml:5:64: yaml: found more than 50 levels; nest fewer"],
    ),
    Broken(
        "a key twice",
        HEAD + "pacing: {max_concurrent: 5}\nname: summer\n",
        ["campaign.yaml:6:1: name: found this key again, first on line 1; remove one"],
    ),
    Broken(
        "a key twice below another",
        HEAD + "pacing:\n  per_minute: 5\n  per_minute: 6\n",
        ["campaign.yaml:7:3: pacing.per_minute: found this key again, first on line 6; remove one"],
    ),
    Broken(
        "a list for a key",
        HEAD + "? [a, b]\n: c\n",
        ["campaign.yaml:5:3: yaml: found a list for a key; write a name"],
    ),
)
def test_yaml(case: Broken) -> None:
    assert case.messages() == case.expected


@table(
    Broken(
        "the key of the specification",
        HEAD + "pacing:\n  max_concurent: 20\n",
        [
            "campaign.yaml:6:3: pacing.max_concurent: unknown key 'max_concurent', "
            "did you mean max_concurrent?"
        ],
    ),
    Broken(
        "a key of another place",
        HEAD + "max_concurrent: 20\ntime_zone: Europe/Berlin\n",
        [
            "campaign.yaml:5:1: max_concurrent: unknown key 'max_concurrent', it belongs under "
            "pacing",
            "campaign.yaml:6:1: time_zone: unknown key 'time_zone', it belongs under schedule",
        ],
    ),
    Broken(
        "a key like no other",
        HEAD + "pacing:\n  speed: 3\n",
        [
            "campaign.yaml:6:3: pacing.speed: unknown key 'speed', the keys here are "
            "max_concurrent, per_minute"
        ],
    ),
    Broken(
        "an outcome that is never retried",
        HEAD + "retry:\n  booked: {delays: 10m}\n",
        [
            "campaign.yaml:6:3: retry.booked: unknown key 'booked', the keys here are "
            "max_attempts, max_attempts_per_day, dayparts, jitter, busy, no_answer, voicemail, "
            "failed, unknown, call_me_later"
        ],
    ),
    Broken(
        "wrong in capitals",
        "Name: spring\npurpose: informational\nagent: x\nrecipients: [{phone: '+12025550123'}]\n",
        [
            "campaign.yaml:1:1: name: found no name; write a name such as spring-reminder: a-z, "
            "0-9, - and _, at most 63 of them",
            "campaign.yaml:1:1: Name: unknown key 'Name', did you mean name?",
        ],
    ),
    Broken(
        "keys of the contact file",
        "name: spring\npurpose: informational\nagent: {ids: x}\n"
        "recipients:\n  csv: people.csv\n  collumns: {phone: mobile}\n",
        [
            "campaign.yaml:3:1: agent.id: found no id; write the agent's id",
            "campaign.yaml:3:9: agent.ids: unknown key 'ids', did you mean id?",
            "campaign.yaml:6:3: recipients.collumns: unknown key 'collumns', did you mean columns?",
        ],
    ),
    Broken(
        "nothing but a line",
        "line: simulated\n",
        [
            "campaign.yaml:1:1: name: found no name; write a name such as spring-reminder: a-z, "
            "0-9, - and _, at most 63 of them",
            "campaign.yaml:1:1: purpose: found no purpose; write informational or telemarketing",
            "campaign.yaml:1:1: agent: found no agent; write the agent's id, or its id and "
            "settings below it",
            "campaign.yaml:1:1: recipients: found no recipients; write csv: and the path of a "
            "contact file below it, or a list of recipients",
        ],
    ),
    Broken(
        "webhooks",
        HEAD
        + "webhooks:\n  - {url: example.com}\n  - {url: https://a.example, events: call.won}\n",
        [
            "campaign.yaml:6:11: webhooks[0].url: found 'example.com'; write a URL such as "
            "https://example.com/hooks",
            "campaign.yaml:7:38: webhooks[1].events: found event 'call.won'; known are *, "
            "call.initiating, call.ringing, call.in_progress, call.completed, call.no_answer, "
            "call.busy, call.failed, call.canceled, campaign.started, campaign.paused, "
            "campaign.resumed, campaign.finished, appointment.booked, appointment.changed, "
            "appointment.canceled, contact.created, contact.updated, recipient.suppressed, "
            "endpoint.disabled, test",
        ],
    ),
    Broken(
        "what comes later",
        HEAD + "budget: 50\n",
        [
            "campaign.yaml:5:9: budget: found budget, not supported yet; leave it out",
        ],
    ),
)
def test_keys(case: Broken) -> None:
    assert case.messages() == case.expected


def test_no_such_file() -> None:
    assert validate("spring.yaml").lines() == [
        "spring.yaml:1:1: file: found no such file; check the path"
    ]
    assert validate(".").lines() == [".:1:1: file: found a folder; name the file in it"]
