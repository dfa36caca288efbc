"""Broken templates, each with the exact messages."""

from __future__ import annotations

import pytest

from tests.intake.broken import CSV_HEAD, HEAD, Broken, table

pytestmark = pytest.mark.usefixtures("folder")

PEOPLE: dict[str, str | bytes] = {
    "people.csv": "phone,First Name,count\n+12025550123,Ann,2\n+12025550124,Bob,0\n"
}


@table(
    Broken(
        "a name that no row has",
        CSV_HEAD + "variables:\n  greeting: Hello {{ first_nam }}\n",
        [
            "campaign.yaml:7:13: variables.greeting: found 'first_nam', which line 2 of "
            "people.csv does not have; did you mean row['First Name']? It has row['First Name'], "
            "count, phone, time_zone, postal_code, state"
        ],
        PEOPLE,
    ),
    Broken(
        "names that one recipient lacks",
        "name: spring\npurpose: informational\nagent: x\nrecipients:\n"
        "  - {phone: '+12025550123', date: Monday, place: here}\n"
        "  - {phone: '+12025550124'}\n"
        "variables: {text: 'On {{ date }} at {{ place }}'}\n",
        [
            "campaign.yaml:7:19: variables.text: found 'date', 'place', which recipients[1] does "
            "not have; did you mean state? It has phone, time_zone, postal_code, state"
        ],
    ),
    Broken(
        "a failure for one row",
        CSV_HEAD + "variables:\n  share: '{{ 10 / (count | int) }}'\n",
        [
            "campaign.yaml:7:10: variables.share: found a failure for line 3 of people.csv: "
            "division by zero; mend the template or that row"
        ],
        PEOPLE,
    ),
    Broken(
        "braces left open",
        HEAD + "variables:\n  greeting: 'Hello {{ phone'\n",
        [
            "campaign.yaml:6:13: variables.greeting: found 'Hello {{ phone': unexpected end of "
            "template, expected 'end of print statement'; write a template such as "
            '"Hi {{ first_name }}"'
        ],
    ),
    Broken(
        "braces without quotes",
        HEAD + "variables:\n  greeting: {{ phone }}\n",
        [
            "campaign.yaml:6:13: variables.greeting: found {{ }} without quotes; put quotes "
            'around all of it, as in "Hi {{ name }}"'
        ],
    ),
    Broken(
        "statements, filters and attributes outside the sandbox",
        HEAD + "variables:\n"
        "  a: '{% set x = 1 %}'\n"
        "  b: '{% include \"/etc/passwd\" %}'\n"
        "  c: '{{ phone | center(1000000) }}'\n"
        "  d: '{{ phone.__class__.__mro__ }}'\n"
        "  e: '{{ phone * 1000000 }}'\n"
        "  f: '{{ phone.ljust(1000000) }}'\n"
        "  g: '{{ 9 ** 999999 }}'\n"
        "  h: '{{ \"{:>1000000}\".format(phone) }}'\n",
        [
            "campaign.yaml:6:6: variables.a: found '{% set x = 1 %}'; a template may hold {{ }}, "
            "{% if %} and {% for %} only",
            "campaign.yaml:7:6: variables.b: found '{% include \"/etc/passwd\" %}'; a template may "
            "hold {{ }}, {% if %} and {% for %} only",
            "campaign.yaml:8:6: variables.c: found '{{ phone | center(1000000) }}': No filter "
            "named 'center'; the filters are abs, capitalize, default, first, float, int, join, "
            "last, length, list, lower, max, min, replace, reverse, round, sort, string, sum, "
            "title, trim, truncate, unique, upper",
            "campaign.yaml:9:6: variables.d: found a failure for recipients[0]: access to "
            "attribute '__class__' of 'str' object is unsafe; mend the template or that row",
            "campaign.yaml:10:6: variables.e: found a failure for recipients[0]: * is for "
            "numbers; write int or float before it; mend the template or that row",
            "campaign.yaml:11:6: variables.f: found a failure for recipients[0]: access to "
            "attribute 'ljust' of 'str' object is unsafe; mend the template or that row",
            "campaign.yaml:12:6: variables.g: found a failure for recipients[0]: the power is too "
            "large; mend the template or that row",
            "campaign.yaml:13:6: variables.h: found a failure for recipients[0]: access to "
            "attribute 'format' of 'str' object is unsafe; mend the template or that row",
        ],
    ),
    Broken(
        "too much of it",
        HEAD + "variables:\n"
        "  a: '{% for i in range(1000) %}{{ phone }}{% endfor %}'\n"
        "  b: '{% for i in range(1001) %}{% endfor %}'\n"
        f"  c: '{'x' * 5000}'\n",
        [
            "campaign.yaml:8:6: variables.c: found 5000 characters; write at most 4096",
            "campaign.yaml:6:6: variables.a: found more than 4096 characters for recipients[0]; "
            "write a shorter text",
            "campaign.yaml:7:6: variables.b: found a failure for recipients[0]: a range holds at "
            "most 1000 numbers; mend the template or that row",
        ],
    ),
    Broken(
        "no templates at all",
        HEAD + "variables:\n  a:\n  b: [x]\n",
        [
            "campaign.yaml:7:3: variables.a: found nothing; write a template in quotes, such as "
            '"Hi {{ first_name }}"',
            "campaign.yaml:7:6: variables.b: found a list; write a template in quotes, such as "
            '"Hi {{ first_name }}"',
        ],
    ),
    Broken(
        "a list of variables",
        HEAD + "variables: [first_name]\n",
        [
            "campaign.yaml:5:12: variables: found a list; write names and templates below it, "
            'such as greeting: "Hi {{ first_name }}"'
        ],
    ),
)
def test_templates(case: Broken) -> None:
    assert case.messages() == case.expected
