"""Templates of look-ups: rendered without Jinja2, to the same text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.intake.templates.lookups import LookupTemplate, lookup_template
from outdial.intake.templates.sandbox import Sandbox
from outdial.intake.templates.templates import TemplateSet, compile_template
from outdial.intake.yaml.source_map import SourceMap
from tests.generating import examples

NAMES = ("first_name", "row", "self", "range", "phone", "Last Name", "absent", "loop")


def lookups(source: str) -> LookupTemplate | None:
    return lookup_template(Sandbox().parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "Hello {{ first_name | title }}, welcome",
        "{{ row['Last Name'] }}{{ phone }}",
        "{{ nick | default('friend') | upper }}",
        "no look-up",
        "",
    ],
)
def test_usual_templates_are_look_ups(source: str) -> None:
    assert lookups(source) is not None


@pytest.mark.parametrize(
    "source",
    [
        "{{ row }}", "{{ self }}", "{{ range | default('x') }}", "{{ row.items() }}",
        "{{ a if b else c }}", "{{ a ~ b }}",
        "{% for x in row %}{{ x }}{% endfor %}", "{{ a | replace('x', 'y') }}",
        "{{ a | default(b) }}", "{{ a | default('x', true) }}", "{{ a | trim('x') }}", "{{ 1 }}",
        "{{ a | default('x', boolean=true) }}", "{{ a }}" * 65,
    ],
)  # fmt: skip
def test_others_are_not(source: str) -> None:
    assert lookups(source) is None


_PART = st.one_of(
    st.text("ab <\n\u00e9{", max_size=5),
    st.builds(
        lambda name, filters: f"{{{{ {name}{''.join(filters)} }}}}",
        st.sampled_from(
            [
                *(name for name in NAMES if " " not in name),
                "row['Last Name']",
                "row['absent']",
                "row.phone",
            ]
        ),
        st.lists(
            st.sampled_from(
                [" | title", "|upper", " | lower", "|trim", "|capitalize", "| default('x y')"]
            ),
            max_size=3,
        ),
    ),
)
_VALUES = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=8))


@settings(max_examples=examples(1000))
@given(st.lists(_PART, max_size=4).map("".join), _VALUES)
def test_they_give_what_jinja_does(source: str, values: dict[str, str]) -> None:
    try:
        template = compile_template(Sandbox(), source)
    except ValueError:
        return
    template_of_lookups = lookups(source)
    text = template_of_lookups.render(values) if template_of_lookups is not None else None
    if text is not None:
        assert text == template.render({**values, "row": values})


def test_what_fails_is_left_to_the_template() -> None:
    templates = TemplateSet(
        {"a": "{{ absent }}", "b": "{{ phone }}{{ phone }}"}, SourceMap("definition", None)
    )
    rendered = templates.render({"phone": "1" * 3000}, lambda: "line 2")
    assert not rendered.complete
    assert [problem.code for problem, _ in rendered.problems] == [
        "unknown_variable",
        "rendered_too_long",
    ]
