"""Which line a campaign or a call gets: one rule, whoever asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.line.routing import choose_line

NAMES = st.text("abc", min_size=1, max_size=2)
LINES = st.dictionaries(NAMES, st.booleans(), max_size=4)


@given(lines=LINES, named=NAMES, default=st.none() | NAMES)
def test_the_named_line_is_the_one(lines: dict[str, bool], named: str, default: str | None) -> None:
    assert choose_line(named, lines, default) == named


@given(lines=LINES, default=st.none() | NAMES)
def test_unnamed(lines: dict[str, bool], default: str | None) -> None:
    chosen = choose_line(None, lines, default)
    real = [name for name, simulated in lines.items() if not simulated]
    if default in lines:
        assert chosen == default
    elif real:
        assert chosen is None or chosen == real[0]
        assert (chosen is None) == (len(real) > 1)
    else:
        assert (chosen is None) == (len(lines) != 1)
    if chosen is not None and lines[chosen]:
        assert chosen == default or not real, "simulated only where asked for, or alone"
