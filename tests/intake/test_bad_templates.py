"""Broken templates, with the place and code of every problem."""

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
        ["campaign.yaml:7:13: variables.greeting: unknown_variable"],
        PEOPLE,
        says=[
            "campaign.yaml:7:13: variables.greeting: found 'first_nam', which line 2 of "
            "people.csv does not have; did you mean row['First Name']? It has row['First Name'], "
            "count, phone, time_zone, postal_code, state"
        ],
    ),
    Broken(
        "names that one recipient lacks",
        "name: spring\npurpose: informational\nagent: x\nrecipients:\n"
        "  - {phone: '+12025550123', date: Monday, place: here}\n"
        "  - {phone: '+12025550124'}\n"
        "variables: {text: 'On {{ date }} at {{ place }}'}\n",
        ["campaign.yaml:7:19: variables.text: unknown_variable"],
    ),
    Broken(
        "a failure for one row",
        CSV_HEAD + "variables:\n  share: '{{ 10 / (count | int) }}'\n",
        ["campaign.yaml:7:10: variables.share: template_failed"],
        PEOPLE,
        says=[
            "campaign.yaml:7:10: variables.share: found a failure for line 3 of people.csv: "
            "division by zero; mend the template or that row"
        ],
    ),
    Broken(
        "braces left open",
        HEAD + "variables:\n  greeting: 'Hello {{ phone'\n",
        ["campaign.yaml:6:13: variables.greeting: template_refused"],
    ),
    Broken(
        "braces without quotes",
        HEAD + "variables:\n  greeting: {{ phone }}\n",
        ["campaign.yaml:6:13: variables.greeting: unquoted_template"],
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
            "campaign.yaml:6:6: variables.a: template_refused",
            "campaign.yaml:7:6: variables.b: template_refused",
            "campaign.yaml:8:6: variables.c: template_refused",
            "campaign.yaml:9:6: variables.d: template_failed",
            "campaign.yaml:10:6: variables.e: template_failed",
            "campaign.yaml:11:6: variables.f: template_failed",
            "campaign.yaml:12:6: variables.g: template_failed",
            "campaign.yaml:13:6: variables.h: template_failed",
        ],
    ),
    Broken(
        "too much of it",
        HEAD + "variables:\n"
        "  a: '{% for i in range(1000) %}{{ phone }}{% endfor %}'\n"
        "  b: '{% for i in range(1001) %}{% endfor %}'\n"
        f"  c: '{'x' * 5000}'\n",
        [
            "campaign.yaml:8:6: variables.c: template_refused",
            "campaign.yaml:6:6: variables.a: rendered_too_long",
            "campaign.yaml:7:6: variables.b: template_failed",
        ],
        says=[
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
            "campaign.yaml:7:3: variables.a: wrong_value",
            "campaign.yaml:7:6: variables.b: wrong_value",
        ],
    ),
    Broken(
        "a list of variables",
        HEAD + "variables: [first_name]\n",
        ["campaign.yaml:5:12: variables: wrong_value"],
    ),
)
def test_templates(case: Broken) -> None:
    case.check()
