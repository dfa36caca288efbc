"""Files as spreadsheets and registries write them: I13, I14, R8, R9, and whole postal codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from outdial.domain.rules.place import UnknownPlace, place_of_address
from outdial.intake.contacts.numbers import read_numbers
from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.services.compliance.suppressing import read_numbers as read_texts
from outdial.services.errors import RequestRefused
from tests.drafts import read_roster

HEAD = "name: spring\npurpose: informational\nagent: a\nrecipients: {csv: people.csv}\n"
ANN, BOB = "+12025550123", "+12025550124"


def people(folder: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    (folder / "people.csv").write_text(text, encoding="utf-8")
    loaded = read_definition_text(HEAD, base=folder)
    assert check_roster(loaded).lines() == []
    return [(one.phone, dict(one.variables)) for one in read_roster(loaded)]


def problems(folder: Path, text: str) -> list[str]:
    (folder / "people.csv").write_text(text, encoding="utf-8")
    return check_roster(read_definition_text(HEAD, base=folder)).lines()


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nphone;name\n{ann};Ann\n",
        "\ufeffsep=;\r\nphone;name\r\n{ann};Ann\r\n",
        '"sep=;"\nphone;name\n{ann};Ann\n',
        "SEP=,\nphone,name\n{ann},Ann\n",
        "sep=\t\nphone\tname\n{ann}\tAnn\n",
        "sep=|\nphone|name\n{ann}|Ann\n",
        "\nsep=;\n\nphone;name\n{ann};Ann\n",
    ],
)
def test_i13_a_line_that_names_the_delimiter(tmp_path: Path, text: str) -> None:
    assert people(tmp_path, text.format(ann=ANN)) == [(ANN, {"name": "Ann"})]


def test_i13_lines_are_still_counted_from_the_first(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, f"sep=;\nphone;name\n{ANN};Ann\nx;Bob\n")
    assert "people.csv:4:1: phone" in line


@pytest.mark.parametrize(
    "text",
    [
        "phone,name,,\n{ann},Ann,,\n{bob},Bob\n",
        "phone,name,,\n{ann},Ann,,\n{bob},Bob,,,,\n",
        "phone,,name\n{ann},,Ann\n{bob},,Bob\n",
        ",phone,name\n,{ann},Ann\n,{bob},Bob\n",
        "phone;name;;;\n{ann};Ann;;;\n{bob};Bob;;;\n",
    ],
)
def test_i14_a_column_with_neither_name_nor_values_is_nothing(tmp_path: Path, text: str) -> None:
    drafts = people(tmp_path, text.format(ann=ANN, bob=BOB))
    assert drafts == [(ANN, {"name": "Ann"}), (BOB, {"name": "Bob"})]


def test_i14_a_value_without_a_name_is_told(tmp_path: Path) -> None:
    nameless = "found 'lost' in a column without a name; name it"
    (line,) = problems(tmp_path, f"phone,,name\n{ANN},,Ann\n{BOB},lost,Bob\n")
    assert line.endswith(f"people.csv:3:2: column 2: {nameless}")
    (line,) = problems(tmp_path, f"phone,name,\n{ANN},Ann,lost\n")
    assert line.endswith(f"people.csv:2:3: column 3: {nameless}")
    (line,) = problems(tmp_path, f"phone,name,\n{ANN},Ann,,lost\n")
    assert "people.csv:2:3: row: found 4 fields where the header has 2" in line


@pytest.mark.parametrize(
    "text",
    [
        "202,5550123\n202,5550124\n",
        "202,5550123\r\n\r\n202,5550124\r\n",
        "202;5550123\n202;5550124\n",
        "202, 5550123\n2025550124\n",
        "\ufeff202,5550123\n202,5550124,\n",
    ],
)
def test_r8_the_registrys_flat_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "registry.txt"
    file.write_text(text, encoding="utf-8")
    listed = read_numbers(file)
    assert (listed.numbers, listed.problems) == ((ANN, BOB), ())


def test_r9_the_good_rows_of_a_list_are_listed_and_the_bad_ones_told(tmp_path: Path) -> None:
    file = tmp_path / "dnc.csv"
    file.write_text(
        "name;phone\nAda;+12025550123\nOld;+521 55 1234 5678\nBad;+1202\nX;+49301234560.0\n"
        "Bo;+12025550124 ext 5\nCy;+12025550124\n",
        encoding="utf-8",
    )
    listed = read_numbers(file)
    assert listed.numbers == (ANN, "+525512345678", BOB)
    assert [(p.line, p.column) for p in listed.problems] == [(4, 2), (5, 2), (6, 2)]
    assert "decimal" in str(listed.problems[1])
    assert "extension 5" in str(listed.problems[2])


def test_r9_other_forms_of_a_list(tmp_path: Path) -> None:
    file = tmp_path / "dnc.csv"
    file.write_text("sep=;\nphone;;\n+12025550123;;\n")
    assert read_numbers(file).numbers == (ANN,)
    file.write_bytes(b"name,phone\nJos\xe9,+12025550123\n")  # Latin 1: the number is all we need
    assert read_numbers(file).numbers == (ANN,)
    file.write_text("name,tel\nAda,+12025550123\n")
    with pytest.raises(DefinitionInvalid, match="no column 'phone'"):
        read_numbers(file)
    with pytest.raises(DefinitionInvalid, match="found"):
        read_numbers(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("33101", "US-FL"),
        ("33101-1234", "US-FL"),
        ("331011234", "US-FL"),
        ("02115", "US-MA"),
        ("2115", "US-MA"),
        ("501", "US-NY"),
        ("M5V 2T6", "CA-ON"),
        ("m5v2t6", "CA-ON"),
        ("V5K-0A1", "CA-BC"),
    ],
)
def test_whole_postal_codes(code: str, state: str) -> None:
    place = place_of_address(None, code, True)
    assert place is not None
    assert place.jurisdictions == (state,)


@pytest.mark.parametrize(
    "code",
    [
        "33",
        "331",  # 00331 is no state's
        "33101-",
        "33101-12",
        "33101-12345",
        "331011",
        "33101.0",
        "33101 FL",
        "3310A",
        "M5V",
        "M5V 2T",
        "M5V 2T6X",
        "D1A 1A1",
        "M5O 2T6",
        "V5",
        "SW1A 1AA",
        "00000",
        "09012",
        "34002",
        "96205",
        "34399",
        "٣٣١٠١",
    ],
)
def test_half_a_postal_code_is_none(code: str) -> None:
    with pytest.raises(UnknownPlace, match=r"postal code"):
        place_of_address(None, code, True)


@pytest.mark.parametrize(
    ("state", "code"),
    [("Québec", "CA-QC"), ("Fla.", "US-FL"), ("Washington, D.C.", "US-DC"), ("fl", "US-FL")],
)
def test_states_as_people_write_them(state: str, code: str) -> None:
    place = place_of_address(state, None, True)
    assert place is not None
    assert place.jurisdictions == (code,)


def test_r9_a_list_over_http_is_read_like_a_file() -> None:
    texts = [ANN, "+1202", "+49301234560.0", "+521 55 1234 5678"]
    numbers, unread = read_texts(texts)
    assert numbers == [ANN, "+525512345678"]
    assert [one.index for one in unread] == [1, 2]
    assert "decimal" in unread[1].why
    with pytest.raises(RequestRefused, match="1202"):
        read_texts(["+1202"])


def test_a_row_without_end_is_read_no_further(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(f'phone,note\n{ANN},\n"' + '","\n' * 300_000)
    listed = read_numbers(file)
    assert listed.numbers == (ANN,)
    assert [(each.line, each.code) for each in listed.problems] == [(3, "csv_not_readable")]
