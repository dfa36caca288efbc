"""A template takes little time and memory, whatever it says."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from jinja2 import nodes

from outdial.intake.templates import sandbox
from outdial.intake.templates.callbacks import RenderFailed, render_text
from outdial.intake.templates.sandbox import KNOWN, Sandbox, TemplateRefused, require_bounded_nodes
from outdial.intake.templates.templates import compile_template

LONG = "x" * 4000
BOMBS = [
    "{{ v|replace('x', v)|replace('x', v)|replace('x', v) }}",
    "{{ v|join(v)|join(v)|join(v) }}",
    "{{ v.replace('x', v).replace('x', v).replace('x', v) }}",
    "{{ v.join(v.join(v)) }}",
    "{{ ''|replace('', v * 9) }}",
    "{{ (1).to_bytes(1000000000, 'big') }}",
    "{{ v.center(1000000000) }}",
    "{{ v.encode('utf-32').hex() }}",
    "{% for a in v %}{% for b in v %}{% for c in v %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{{ '' if b else '' }}{% endfor %}"
    "{% endfor %}",
    "{% for a in range(1000) %}{% if (v ~ a)|upper|lower|replace('x', 'yyyy') %}{% endif %}"
    "{% endfor %}",
    "{{ [[v], [v]]|sum(start=[]) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ v|truncate(10, true, v * 100) }}",
    "{% for a in v recursive %}{{ loop(v) }}{% endfor %}",
]
EACH = "{% for a in range(1000) %}{% for b in range(1000) %}"
OVER = "{% endfor %}{% endfor %}"
DEEP = "{{% for a in [[{v}]] %}}{{% for b in [[{a}]] %}}{{% for c in [[{b}]] %}}".format(
    v="v," * 300, a="a," * 300, b="b," * 300
)
DEEP_OVER = "{% endfor %}{% endfor %}{% endfor %}"
BY_NODE: dict[type[nodes.Node], list[str]] = {
    nodes.Concat: [
        "{{ " + "~".join(["v"] * 100) + " }}",
        "{% for a in [" + "~".join(["v"] * 60) + "] %}{% for b in [" + "~".join(["a"] * 60)
        + "] %}{% if b %}{% endif %}" + OVER,
        EACH + "{% if a ~ b %}{% endif %}" + OVER,
    ],
    nodes.List: [DEEP + "{{ c }}" + DEEP_OVER, EACH + "{% if [v, v] %}{% endif %}" + OVER],
    nodes.Tuple: [
        DEEP.replace("[[", "((").replace("]]", "),)") + "{{ {c: 1} }}" + DEEP_OVER,
        EACH + "{% if (v, v) %}{% endif %}" + OVER,
    ],
    nodes.Dict: [
        "{% for a in [{1: v, 2: v, 3: v}] %}{{ [" + "a," * 300 + "] }}{% endfor %}",
        EACH + "{% if {'a': v} %}{% endif %}" + OVER,
    ],
    nodes.Getitem: [EACH + "{% if v[::2] %}{% endif %}" + OVER],
    nodes.Compare: [
        EACH + "{% if v == v ~ '' %}{% endif %}" + OVER,
        EACH + "{% if w in v %}{% endif %}" + OVER,
        "{% set x = 1 %}",
    ],
    nodes.Test: [
        EACH + "{% if w is in(v) %}{% endif %}" + OVER,
        EACH + "{% if w is in(seq=v) %}{% endif %}" + OVER,
        "{% if w is in(*[v]) %}{% endif %}",
    ],
    nodes.Filter: [
        EACH + "{% if v|max %}{% endif %}" + OVER,
        "{% for c in [v|list|reverse] %}" + EACH + "{% if c|length %}{% endif %}" + OVER
        + "{% endfor %}",
        "{{ 1|round(999999999, 'floor') }}",
        "{{ 1|round(precision=999999999, method='ceil') }}",
        "{{ [1, 2]|outdial_made }}",
    ],
    nodes.Call: [EACH + "{% if v.count(w) %}{% endif %}" + OVER],
    nodes.Output: [EACH + "{{ e }}" * 300 + OVER, EACH + "{{ 'x' }}" + OVER],
    nodes.TemplateData: [EACH + "x" + OVER],
    nodes.If: [EACH + "{% if e %}{% endif %}" * 100 + OVER],
    nodes.For: [EACH + "{% for c in range(9) if e %}{% endfor %}" + OVER],
    nodes.Mul: [
        "{% for a in [" + "*".join(["n**64"] * 40) + "] %}{% for b in ["
        + "*".join(["a"] * 40) + "] %}{% if " + "*".join(["b"] * 40) + " %}{% endif %}" + OVER,
        "{{ v * 1000000 }}",
    ],
    nodes.Add: [EACH + "{% if v + v %}{% endif %}" + OVER, "{{ " + "+".join(["v"] * 100) + " }}"],
    nodes.Pow: ["{{ 9 ** 999999 }}", "{{ n ** n }}"],
    nodes.Mod: ["{{ '%1000000000d' % 1 }}", "{{ h|int(0, 16) % 7 }}"],
    nodes.Div: ["{{ h|int(0, 16) / 7 }}"],
    nodes.FloorDiv: ["{{ h|int(0, 16) // 7 }}"],
    nodes.Sub: ["{{ h|int(0, 16) - 7 }}"],
}  # fmt: skip
"""What makes or reads much, by the node that would do it."""
COSTS_NOTHING = {
    nodes.Template, nodes.Const, nodes.Name, nodes.Pair, nodes.Keyword, nodes.Operand,
    nodes.CondExpr, nodes.Getattr, nodes.Slice, nodes.And, nodes.Or, nodes.Not, nodes.Neg,
    nodes.Pos,
}  # fmt: skip
"""Bounded by the template's own length, or by what counts the node that holds them."""
BOMBS += [source for sources in BY_NODE.values() for source in sources]

BACKSLASH = "'" + 2 * chr(92) + "'"
OF_CONSTANTS = [
    "{{ ('a' * 9)|list|sort|join }}",
    "{{ ('abc'|replace('b', 'ccc'))" + "|list|sort|join" * 8 + "|length }}",
    "{% for a in 'abc'|list %}{{ 'x' if 'cab'|sort else 'y'|upper }}{% endfor %}",
    "{{ 'a' if 'abc'|upper is upper }}{{ 'x' is in('xyz') }}{{ 9 is divisibleby(3) }}",
    "{{ [1, 2]|sum }}{{ [3, 1]|max }}{{ {'a': 1}|length }}{{ (1, 2)|first }}",
    "{{ " + "[" * 12 + BACKSLASH + "] ~ ''" * 12 + " }}",
    "{{ ['a' ~ 'b', ('c', 'd'), {'k': 'v'}] }}{{ ['ab'[::-1]]|join(', ') }}",
    "{{ 9 ** 9 ** 9 }}{{ 'a' * 10 ** 9 }}{{ 1 + 2 - 3 / 4 // 5 % 6 }}",
    "{{ 1 < 2 <= 3 }}{{ 'a' in 'abc' }}{{ [1] == [1] and 'a' ~ 'b' or not 'c' ~ 'd' }}",
    "{{ {'a': 'b'}['a'] }}{{ {'a': 'b'}.a }}{{ ['a', 'b'][1:] }}{{ range(9)|list }}",
    "{{ ('a'|upper)[0] }}{{ 'abc'.replace('a', 'b'|upper)|length }}",
]
"""Of every kind of node that makes something, over nothing but constants."""
MAKES_NOTHING = (
    *COSTS_NOTHING, nodes.TemplateData, nodes.Getitem, nodes.List, nodes.Tuple, nodes.Dict,
)  # fmt: skip
"""Constants as they are written, one of them, or a part of one."""


def node_types(kind: type[nodes.Node] = nodes.Node) -> set[type[nodes.Node]]:
    return {kind}.union(*map(node_types, kind.__subclasses__()))


def test_every_known_type_of_node_is_tried_or_costs_nothing() -> None:
    assert not BY_NODE.keys() & COSTS_NOTHING
    assert BY_NODE.keys() | COSTS_NOTHING == KNOWN


@pytest.mark.parametrize("kind", sorted(node_types() - KNOWN, key=str))
def test_a_type_of_node_that_is_not_known_is_refused(kind: type[nodes.Node]) -> None:
    with pytest.raises(TemplateRefused, match="a template may"):
        require_bounded_nodes(nodes.Template([nodes.Output([object.__new__(kind)])]))


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(sandbox.MAX_WORK // 10, id="tenth"),
        pytest.param(sandbox.MAX_WORK, id="all", marks=pytest.mark.faults),
    ],
)
@pytest.mark.parametrize("source", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(
    source: str, work: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "MAX_WORK", work)
    tracemalloc.start()
    begun = time.process_time()
    try:
        with pytest.raises(RenderFailed):
            render_text(source, {"v": LONG, "w": "y" * 9, "e": "", "n": 10**6, "h": "f" * 9000})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ a.split(',')|join(' and ') }}", "x and y"),
        ("{{ a.replace(',', ';').upper() }}", "X;Y"),
        ("{% for one in a.split(',') %}{{ loop.index }}{{ one }}{% endfor %}", "1x2y"),
        ("{{ [1, 2]|sum }}{{ a ~ a }}{{ 'b' + a }}", "3x,yx,ybx,y"),
        ("{% for n in range(3) if n %}{{ n }}{% else %}-{% endfor %}", "12"),
        ("{{ a|length }}{{ a|default('z') }}{{ m|default('z') }}", "3x,yz"),
        ("{{ a ~ 1 ~ none ~ [a] }}{{ [a, (1, 2)] }}{{ {'k': a}['k'] }}", "x,y1None['x,y']"
         "['x,y', (1, 2)]x,y"),
        ("{{ a[::-1] }}{{ a[0] }}{{ 'x' in a }}{{ a is in('x,yz') }}{{ 1 < 2 <= 2 }}",
         "y,xxTrueTrueTrue"),
        ("{% for k, v in {'p': 1, 'q': 2}.items() %}{{ k }}{{ v }}{{ loop.last }}{% endfor %}",
         "p1Falseq2True"),
        ("{{ 7 // 2 }}{{ 7 / 2 }}{{ 7 - 2 }}{{ 7 % 2 }}{{ -2 ** 2 }}{{ 2.345|round(1) }}",
         "33.55142.3"),
        ("{{ m is defined }}{{ a is string }}{{ 9 is divisibleby 3 }}", "FalseTrueTrue"),
        ("{{ a|reverse }}{{ [3, 1]|sort|reverse|join }}{{ 'y' if a else 'n' }}", "y,x31y"),
    ],
)  # fmt: skip
def test_what_people_write_is_rendered(source: str, text: str) -> None:
    assert render_text(source, {"a": "x,y"}) == text


@pytest.fixture
def folding(monkeypatch: pytest.MonkeyPatch) -> list[tuple[type[nodes.Node], bool]]:
    """The nodes that Jinja2 tries to work out before a rendering, and whether it can."""
    tried: list[tuple[type[nodes.Node], bool]] = []

    def watch(kind: type[nodes.Node]) -> None:
        as_const = vars(kind)["as_const"]

        def watched(node: Any, *args: Any, **kwargs: Any) -> Any:
            at = len(tried)
            tried.append((type(node), False))
            value = as_const(node, *args, **kwargs)
            tried[at] = (type(node), True)
            return value

        monkeypatch.setattr(kind, "as_const", watched)

    for kind in node_types():
        if "as_const" in vars(kind):
            watch(kind)
    return tried


@pytest.mark.parametrize("source", OF_CONSTANTS)
def test_nothing_is_worked_out_while_a_template_is_compiled(
    source: str, folding: list[tuple[type[nodes.Node], bool]]
) -> None:
    compile_template(Sandbox(), source)
    assert not {kind for kind, done in folding if done and kind not in MAKES_NOTHING}


@pytest.mark.parametrize(
    "source",
    [
        "{{ x" + ".a" * 100 + " }}",
        "{{ x" + "[0]" * 100 + " }}",
        "{{ " + "not " * 100 + "x }}",
        "{{ x" + "|int" * 100 + " }}",
        "{{ " + "'a' if x else " * 100 + "'b' }}",
        "{{ " + " + ".join(["x"] * 100) + " }}",
    ],
)
def test_what_compiling_tries_grows_with_the_template_and_no_faster(
    source: str, folding: list[tuple[type[nodes.Node], bool]]
) -> None:
    compile_template(Sandbox(), source)
    assert len(folding) <= 2 * len(source)


@pytest.mark.parametrize("kind", [nodes.Filter, nodes.Test])
def test_no_filter_or_test_is_called_without_a_rendering(kind: type[nodes.Filter]) -> None:
    sandbox = Sandbox()
    names = sandbox.filters if kind is nodes.Filter else sandbox.tests
    assert names
    for name in names:
        node = kind(nodes.Const("a"), name, [], [], None, None)
        node.set_environment(sandbox)
        with pytest.raises(nodes.Impossible) as refused:
            node.as_const()
        assert refused.value.__cause__ is None, f"{name} was called"
