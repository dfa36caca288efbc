"""Consents in contact files and in definitions; lists of numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outdial.domain.definition.purpose import Purpose
from outdial.domain.rules.consent import Consent, ConsentLevel
from outdial.intake.contacts.numbers import read_numbers
from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.intake.rules import read_rules
from tests.drafts import read_roster
from tests.intake.broken import places_and_codes

HEAD = "name: spring\npurpose: telemarketing\nagent: a\n"
SIGNED = Consent(
    level=ConsentLevel.WRITTEN,
    scope=Purpose.TELEMARKETING,
    proof="form 17",
    given_at=datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
    expires_at=datetime(2027, 3, 1, 9, 0, tzinfo=UTC),
)


def test_a_consent_in_a_contact_file(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(
        "phone,consent,consent_scope,form,consent_given_at,consent_expires_at,name\n"
        "+12025550123,written,telemarketing,form 17,2026-03-01T10:00+01:00,2027-03-01T09:00Z,Ada\n"
        "+12025550124,,,,,,Bo\n"
    )
    text = HEAD + "recipients: {csv: people.csv, columns: {consent_proof: form}}\n"
    first, second = read_roster(read_definition_text(text, base=tmp_path))
    assert first.consent == SIGNED
    assert first.variables == {"name": "Ada"}
    assert second.consent is None


def test_a_consent_in_a_definition() -> None:
    text = HEAD + (
        "recipients:\n  - phone: '+12025550123'\n    consent: written\n"
        "    consent_scope: telemarketing\n    consent_proof: form 17\n"
        "    consent_given_at: 2026-03-01T09:00:00Z\n    consent_expires_at: 2027-03-01T09:00:00Z\n"
    )
    (draft,) = read_roster(read_definition_text(text))
    assert draft.consent == SIGNED


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("maybe,", "people.csv:2:2: consent: wrong_value"),
        (",form 17", "people.csv:2:3: consent_proof: missing"),
    ],
)
def test_a_consent_that_is_none(tmp_path: Path, cells: str, problem: str) -> None:
    (tmp_path / "people.csv").write_text(f"phone,consent,consent_proof\n+12025550123,{cells}\n")
    text = HEAD + "recipients: {csv: people.csv}\n"
    roster = check_roster(read_definition_text(text, base=tmp_path))
    assert places_and_codes(roster.problems) == [f"{tmp_path}/{problem}"]


def test_an_address_in_no_table_is_reported_before_the_launch(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone,state\n+12025550123,Flrida\n")
    text = HEAD + "recipients: {csv: people.csv}\n"
    roster = check_roster(read_definition_text(text, base=tmp_path))
    assert places_and_codes(roster.problems) == [f"{tmp_path}/people.csv:2:1: phone: unknown_place"]


def test_a_list_of_numbers(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("name,phone\nAda,+1 202 555 0123\nBo,\nCy,+12025550124\nAda,+12025550123\n")
    assert read_numbers(file).numbers == ("+12025550123", "+12025550124")
    file.write_text("2025550123\n2025550124\n")
    assert read_numbers(file, region="US").numbers == ("+12025550123", "+12025550124")


@pytest.mark.parametrize(
    "text", ["name,tel\nAda,1\n", ""], ids=["no column for the phone", "an empty file"]
)
def test_a_list_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    with pytest.raises(DefinitionInvalid) as caught:
        read_numbers(file)
    assert places_and_codes(caught.value.problems) == [f"{file}:1:1: phone: missing_column"]


def test_rules_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n  - id: house.weekends\n    jurisdiction: '*'\n    cite: policy 4\n"
        "    windows: [mon-fri 09:00-18:00]\n    holidays: US\n"
        "    caps: [{calls: 2, within: 7d}]\n    effective_from: 2026-01-01\n"
    )
    (rule,) = read_rules(file)
    assert (rule.id, rule.holidays, rule.caps[0].calls) == ("house.weekends", ("US",), 2)
    file.write_text("rules:\n  - id: x\n    jurisdiction: Ohio\n    cites: policy\n")
    with pytest.raises(DefinitionInvalid) as caught:
        read_rules(file)
    assert places_and_codes(caught.value.problems) == [
        f"{file}:3:19: rules[0].jurisdiction: wrong_value",
        f"{file}:2:5: rules[0].cite: missing",
        f"{file}:4:12: rules[0].cites: unknown_key",
    ]


@pytest.mark.parametrize("place", ["US-ZZ", "QX", "US-la"])
def test_a_rule_for_nowhere_is_refused(tmp_path: Path, place: str) -> None:
    """It would forbid nothing, and nobody would know."""
    file = tmp_path / "rules.yaml"
    file.write_text(
        "rules:\n  - {id: a, jurisdiction: US-LA, cite: policy}\n"
        f"  - {{id: b, jurisdiction: {place}, cite: policy}}\n"
    )
    with pytest.raises(DefinitionInvalid) as caught:
        read_rules(file)
    assert places_and_codes(caught.value.problems) == [
        f"{file}:3:27: rules[1].jurisdiction: unknown_place"
    ]
