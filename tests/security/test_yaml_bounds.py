"""A definition is read within bounds of nodes and time, and keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import httpx
import pytest
from jinja2 import nodes

from outdial.intake.apart import LARGE_AT_ONCE, SMALL, SMALL_AT_ONCE, parse_apart
from outdial.intake.definition import parse_definition, read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.templates import sandbox
from outdial.intake.templates.templates import MAX_VARIABLES
from outdial.intake.yaml import guard
from outdial.intake.yaml.document import MAX_CHARACTERS, read_yaml
from outdial.intake.yaml.guard import MAX_NODES
from tests.api.v1.conftest import bearer, new_key
from tests.services.world import World

INSTEAD = "write the recipients into a contact file, or add them in parts after the launch"
LONGEST = 15.0
"""Seconds of processor time for 10,000 people; they take five."""
MANY = 10
MANY_NODES = {
    "short scalars": "x: [" + "a," * MANY + "]",
    "lines": "- a\n" * MANY,
    "empty items": "-\n" * MANY,
    "lists in lists": "x: [" + "[[]]," * MANY + "]",
    "pairs": "x: [" + "a: b," * MANY + "]",
    "keys": "".join(f"k{i}: a\n" for i in range(MANY)),
    "the same key": "a: b\n" * MANY,
    "keys that are no names": "? [a]\n: b\n" * MANY,
    "anchors": "x: [" + ",".join(f"&a{i} x" for i in range(MANY)) + "]",
    "aliases": "a: &a [1, 2]\nx: [" + "*a," * MANY + "]",
    "aliases of aliases": "a: &a [1, 2]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
    "tags": "x: [" + "!a b," * MANY + "]",
    "errors": "x: [" + r'"\ud800",' * MANY + "]",
}
"""Each of ten or more keys and values."""
LONG = {
    "a long scalar": "x: " + "a" * 50_000,
    "many words": "x: " + "a " * 25_000,
    "a long text in quotes": 'x: "' + "a\n" * 25_000 + '"',
    "a block": "x: |\n" + " a\n" * 20_000,
    "blank lines": "x: |\n" + "\n" * 50_000,
    "comments": "x: 1\n" + "#\n" * 25_000,
    "a comment": "x: 1\n#" + "a" * 50_000,
    "spaces": "x: 1\n" + " " * 50_000,
    "open lists": "[" * 50_000,
    "open mappings": "- " * 25_000,
    "directives": "%a b\n" * 10_000 + "--- a",
    "a long alias": "a: &" + "a" * 50_000 + " 1",
    "a quote left open": 'x: "' + "a" * 50_000,
    "a list left open": "x: [" + "a " * 25_000,
}


@pytest.mark.parametrize("text", MANY_NODES.values(), ids=MANY_NODES)
def test_nodes_are_counted_as_they_come(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_NODES", MANY - 1)
    *_, last = read_yaml(text, "f")[1]
    assert last.message == f"found more than {MANY - 1} keys and values; {INSTEAD}"


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_time_grows_no_faster_than_a_text_of_few_nodes(text: str) -> None:
    begun = time.thread_time()
    read_yaml(text, "f")
    assert time.thread_time() - begun < 5  # some take half of one


def test_time_is_checked_while_a_text_is_read() -> None:
    begun = time.thread_time()
    [problem] = read_yaml("- a\n" * (MAX_CHARACTERS // 4), "f", max_seconds=0.2)[1]
    assert time.thread_time() - begun < 2
    assert problem.line > 1
    assert problem.message == (
        f"found more than can be read within 0.2 seconds; write a shorter file: {INSTEAD}"
    )


@pytest.mark.slow
def test_ten_thousand_people_are_read() -> None:
    """The most that one request may add, with all that is usual about each."""
    people = [
        {
            "phone": f"+1415555{i:04}",
            "time_zone": "America/New_York",
            "first_name": f"Ada{i}",
            "order": str(i),
        }
        for i in range(10_000)
    ]
    head = {"name": "spring", "purpose": "informational", "agent": "front-desk"}
    text = json.dumps(head | {"recipients": people})
    begun = time.thread_time()
    parsed = parse_definition(text, "f")
    assert time.thread_time() - begun < LONGEST
    assert parsed.definition is not None
    assert not len(parsed.problems)
    assert MAX_NODES > 9 * 10_000


async def test_only_so_many_are_parsed_at_once() -> None:
    """Small ones don't wait for large ones, and other threads are left to others."""
    running, most, lock, go = {0: 0, 1: 0}, {0: 0, 1: 0}, threading.Lock(), threading.Event()
    begun = threading.Semaphore(0)

    def parse(kind: int) -> None:
        with lock:
            running[kind] += 1
            most[kind] = max(most[kind], running[kind])
        begun.release()
        assert go.wait(30)
        with lock:
            running[kind] -= 1

    waiting = [
        asyncio.ensure_future(parse_apart(size, parse, kind))
        for kind, size in ((1, SMALL + 1), (0, SMALL))
        for _ in range(40)
    ]
    for _ in range(LARGE_AT_ONCE + SMALL_AT_ONCE):
        assert await asyncio.to_thread(begun.acquire, timeout=30)
    go.set()
    await asyncio.gather(*waiting)
    assert most == {0: SMALL_AT_ONCE, 1: LARGE_AT_ONCE}


async def test_others_are_answered_while_the_worst_is_parsed(
    api: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six of them: as many as the event loop has threads on two cores. None is a large launch, of
    which a tenant has two at a time."""
    monkeypatch.setattr(guard, "MAX_NODES", 5_000)
    headers = bearer((await new_key(world)).text)
    worst = "x: [" + ("[" * 40 + "]" * 40 + ",") * 12_000 + "]"
    sent = [
        asyncio.ensure_future(
            api.post("/v1/campaigns", content=worst, headers=headers, timeout=120)
        )
        for _ in range(6)
    ]
    answered = 0
    while not any(request.done() for request in sent):
        listed = await api.get("/v1/campaigns", headers=headers, timeout=60)
        assert listed.status_code == 200
        answered += 1
    small = await api.post("/v1/campaigns", content="name: x", headers=headers, timeout=60)
    assert small.status_code == 422
    assert not all(request.done() for request in sent)
    assert answered > 2
    for response in await asyncio.gather(*sent):
        assert response.status_code == 422
        assert "keys and values" in response.text


def test_a_definition_beyond_a_bound_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_NODES", 3)
    with pytest.raises(DefinitionInvalid, match=r"body:1:\d+: yaml: found more than 3 keys"):
        read_definition_text("x: [a, b, c]", name="body")


CAMPAIGN = """\
name: spring
purpose: informational
agent: bookseller
recipients: [{phone: "+12025550123"}]
"""


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that are compiled, each as often as it is."""
    sources: list[str] = []
    check = sandbox.Sandbox.check

    def counted(self: sandbox.Sandbox, source: str) -> nodes.Template:
        sources.append(source)
        return check(self, source)

    monkeypatch.setattr(sandbox.Sandbox, "check", counted)
    return sources


def aliases(number: int, value: str) -> str:
    return f"k0: &t {value}, " + ", ".join(f"k{index}: *t" for index in range(1, number))


@pytest.mark.parametrize(
    ("template", "problems"), [("Hi {{ phone }}, alias", 0), ("{% set alias = 1 %}", MAX_VARIABLES)]
)
@pytest.mark.parametrize(
    "holder",
    ["variables: {%s}", "callbacks: [{do: webhook, url: 'https://a.example', "
     "body: {%s}}]"],
)  # fmt: skip
def test_a_template_is_compiled_once_however_many_aliases_it_has(
    holder: str, template: str, problems: int, checked: list[str]
) -> None:
    text = CAMPAIGN + holder % aliases(MAX_VARIABLES, f'"{template}"') + "\n"
    assert len(parse_definition(text, "f").problems) == problems
    assert checked.count(template) == 1


def test_a_definition_has_a_bounded_number_of_variables(checked: list[str]) -> None:
    variables = "".join(f"  k{index}: 'a {{{{ phone }}}}'\n" for index in range(MAX_VARIABLES + 1))
    at_most = variables.split("\n", 1)[1]
    assert not list(parse_definition(CAMPAIGN + "variables:\n" + at_most, "f").problems)
    checked.clear()
    [problem] = parse_definition(CAMPAIGN + "variables:\n" + variables, "f").problems
    assert str(problem) == (
        f"f:6:3: variables: found {MAX_VARIABLES + 1} templates; write at most {MAX_VARIABLES}"
    )
    assert not checked
