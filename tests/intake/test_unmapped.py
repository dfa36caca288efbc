"""What is pointed out about a roster that can be launched as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from outdial.intake.validation import validate
from tests.services.world import NOW

HEAD = "name: n\npurpose: informational\nagent: a\nschedule: {time_zone: UTC}\n"


def notes(folder: Path, columns: str, *, text: str = "", mapping: str = "") -> tuple[str, ...]:
    """What is said about a contact file with these columns behind the number."""
    blank = "," * len(columns.split(","))
    (folder / "people.csv").write_text(f"phone,{columns}\n+12025550123{blank}\n", encoding="utf-8")
    source = f"recipients: {{csv: people.csv{mapping}}}\n"
    (folder / "campaign.yaml").write_text(f"{HEAD}{text}{source}", encoding="utf-8")
    validation = validate(folder / "campaign.yaml", NOW)
    assert validation.loaded is not None, validation.lines()
    return validation.notes


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("Do not call", "must not be called"),
        ("DNC", "must not be called"),
        ("opted_out", "must not be called"),
        ("Email opt-out", "must not be called"),
        ("Consent?", "map it (columns: {consent: Consent?})"),
        ("sms_opt_in", "looks like a consent"),
        ("TCPA", "looks like a consent"),
        ("TimeZone", "map it (columns: {time_zone: TimeZone})"),
        ("tz", "looks like the person's time zone"),
        ("E-Mail", "looks like an e-mail address"),
        ("patient_email", "looks like an e-mail address"),
    ],
)
def test_a_column_that_looks_like_something_is_pointed_out(
    tmp_path: Path, column: str, says: str
) -> None:
    (note,) = notes(tmp_path, column)
    assert note.startswith(f"column {column!r} ")
    assert says in note


@pytest.mark.parametrize(
    "column",
    ["first_name", "phone_type", "voicemail", "mailing_city", "blocks", "stops", "doctor", "zones",
     "time_zone", "consent", "mail_code", "instructions"],
)  # fmt: skip
def test_other_columns_are_not(tmp_path: Path, column: str) -> None:
    assert notes(tmp_path, column) == ()


def test_a_mapped_column_is_not(tmp_path: Path) -> None:
    mapping = ", columns: {time_zone: tz, consent: Consent}"
    assert notes(tmp_path, "tz,Consent,local_tz_name,Consent date", mapping=mapping) == ()
    text = "variables: {where: '{{ row.email }}'}\n"
    assert notes(tmp_path, "email", text=text) == ()


def test_listed_recipients_have_keys(tmp_path: Path) -> None:
    people = "recipients: [{phone: '+12025550123', dnc: 'no', tz: UTC}]\n"
    (tmp_path / "campaign.yaml").write_text(HEAD + people, encoding="utf-8")
    first, second = validate(tmp_path / "campaign.yaml", NOW).notes
    assert first.startswith("key 'dnc' looks like a mark of people who must not be called")
    assert second.endswith("map it (rename it to time_zone)")


def test_an_existing_appointment_in_the_past(tmp_path: Path) -> None:
    calendar = (
        "calendar: {name: clinic, time_zone: UTC, hours: 09:00-17:00, existing: '{{ at }}'}\n"
    )
    rows = "phone,at\n+12025550123,2026-11-19 10:00\n+12025550124,2026-11-21 10:00\n"
    (tmp_path / "people.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "campaign.yaml").write_text(
        f"{HEAD}{calendar}recipients: {{csv: people.csv}}\n", encoding="utf-8"
    )
    validation = validate(tmp_path / "campaign.yaml", NOW)
    assert validation.lines() == []
    assert validation.notes == (
        "1 row has an existing appointment in the past: people are called about it all the same",
    )
