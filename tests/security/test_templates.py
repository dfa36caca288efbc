"""A template takes little time and memory, whatever it says."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from intake.after_call import RenderFailed, render_text

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


@pytest.mark.parametrize("source", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(source: str) -> None:
    tracemalloc.start()
    begun = time.process_time()
    try:
        with pytest.raises(RenderFailed):
            render_text(source, {"v": LONG})
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
    ],
)
def test_what_people_write_is_rendered(source: str, text: str) -> None:
    assert render_text(source, {"a": "x,y"}) == text
