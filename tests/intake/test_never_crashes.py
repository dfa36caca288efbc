"""Whatever the files hold, reading them gives problems or a definition, never another error."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.hints import key_paths
from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.templates.templates import TemplateSet
from outdial.intake.validation import validate
from outdial.intake.yaml.source_map import SourceMap
from tests.generating import examples
from tests.intake.broken import CSV_HEAD, HEAD

KEYS = sorted({part for path in key_paths(CampaignDefinition) for part in path})
WORDS = [
    *KEYS, "10m", "next_day", "09:00-18:00", "2030-01-31T09:00:00+01:00", "'+12025550123'",
    "true", "null", "~", "1e9", "-1", "0x1f", "99999999999999999999", ".nan", "&a", "*a", "!x",
    "!!int", "<<", '"\\ud800"', '"\\U00110000"', "{{ phone }}", "'{{ phone }}'", "{% if %}", "|",
    ">-", "---", "...", "%YAML 1.1", "#", "'", '"', "[", "]", "{", "}", ",", "?", "@", "\t",
    "\x00", "\x85", "\u2028", "\ufeff", "é", "mon", "csv",
]  # fmt: skip
LINES = st.builds(
    lambda indent, words, end: " " * indent + " ".join(words) + end,
    st.integers(0, 6),
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.sampled_from(["", ":", ": x", ": [", "]", ": {}"]),
)
YAMLISH = st.one_of(
    st.lists(LINES, max_size=12).map("\n".join),
    st.lists(LINES, max_size=6).map(lambda lines: HEAD + "\n".join(lines)),
    st.text(max_size=200),
    st.text("[]{}:,-*&!|>'\"% \n#?ab1", max_size=200),
)
CELLS = st.sampled_from(
    ["phone", "name", "+12025550123", "+1 202 555 0124", "", " ", "x", '"', '""', "é", "\0", "a;b"]
)
CSVISH = st.one_of(
    st.binary(max_size=300),
    st.lists(st.lists(CELLS, max_size=5), max_size=8).flatmap(
        lambda rows: st.sampled_from([",", ";", "\t"]).map(
            lambda delimiter: "\r\n".join(delimiter.join(row) for row in rows).encode()
        )
    ),
    st.lists(CELLS, max_size=30)
    .map(lambda cells: "phone,name\n" + ",\n".join(cells))
    .map(str.encode),
)


@pytest.fixture(scope="module")
def campaign() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "campaign.yaml"


def expect_messages(lines: list[str]) -> None:
    """Each names its place and field, and says something in words of ours."""
    for line in lines:
        assert line.startswith(("definition:", "and ", "/")), line
        assert "Traceback" not in line
        assert "pydantic" not in line
        assert "Input should" not in line


def problems_of(text: str) -> list[str]:
    try:
        return check_roster(read_definition_text(text)).lines()
    except DefinitionInvalid as error:
        return str(error).split("\n")


@settings(max_examples=examples(300), deadline=None)
@given(YAMLISH)
def test_definitions(text: str) -> None:
    expect_messages(problems_of(text))


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=200) | YAMLISH.map(lambda text: text.encode("utf-8", "replace")))
def test_definition_files(campaign: Path, data: bytes) -> None:
    campaign.write_bytes(data)
    result = validate(campaign)
    assert bool(result.problems) == (result.loaded is None)


@settings(max_examples=examples(200), deadline=None)
@given(CSVISH)
def test_contact_files(campaign: Path, data: bytes) -> None:
    campaign.write_text(CSV_HEAD)
    (campaign.parent / "people.csv").write_bytes(data)
    result = validate(campaign)
    expect_messages(result.lines())
    assert result.problems or result.count


@settings(max_examples=examples(200), deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    "{{",
                    "}}",
                    "{%",
                    "%}",
                    "{#",
                    " ",
                    "phone",
                    "row",
                    "if",
                    "for i in",
                    "endif",
                    "endfor",
                    "else",
                    "range(9)",
                    "|",
                    "int",
                    "+",
                    "*",
                    "**",
                    "/",
                    "~",
                    "'",
                    "(",
                    ")",
                    "[",
                    "]",
                    ".",
                    "9",
                    "loop",
                ]
            ),
            max_size=12,
        ).map(" ".join),
    )
)
def test_templates(source: str) -> None:
    templates = TemplateSet({"text": source}, SourceMap("definition", None))
    rendered = templates.render({"phone": "+12025550123"}, lambda: "recipients[0]")
    assert templates.problems or rendered.problems or rendered.complete
