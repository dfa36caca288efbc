"""Broken rosters, in definitions and in files, with the place and code of every problem."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.intake.broken import CSV_HEAD, Broken, table

pytestmark = pytest.mark.usefixtures("folder", "calls_toll_free")

START = "name: spring\npurpose: informational\nagent: bookseller\n"
"""Three lines, so that recipients begin on line 4."""


@table(
    Broken(
        "a path where recipients should be",
        START + "recipients: people.csv\n",
        ["campaign.yaml:4:13: recipients: wrong_value"],
    ),
    Broken(
        "an empty list",
        START + "recipients: []\n",
        ["campaign.yaml:4:13: recipients: no_recipients"],
    ),
    Broken(
        "a mapping without a file",
        START + "recipients:\n  columns: {phone: mobile}\n",
        ["campaign.yaml:4:1: recipients.csv: missing"],
    ),
    Broken(
        "recipients that are none, beside others",
        START + "recipients:\n  - +12025550123\n  - {first_name: Ann}\n  - {phone: '555'}\n",
        [
            "campaign.yaml:5:5: recipients[0]: wrong_value",
            "campaign.yaml:6:5: recipients[1].phone: missing",
            "campaign.yaml:7:13: recipients[2].phone: bad_phone",
        ],
        says=[
            "campaign.yaml:5:5: recipients[0]: found '+12025550123'; write phone: and a number in "
            "quotes, such as phone: '+12025550123'",
            "campaign.yaml:6:5: recipients[1].phone: found no phone; write a number with its "
            "country code, such as '+12025550123'",
            "campaign.yaml:7:13: recipients[2].phone: found '555', which has no country code; "
            "write it with + and the country code, such as +12025550123",
        ],
    ),
    Broken(
        "values of a recipient",
        START + "recipients:\n"
        "  - phone: '+12025550123'\n"
        "    alternate_phones: ['+12025550124', home]\n"
        "    time_zone: Mars/Olympus\n"
        "    tags: [vip]\n",
        [
            "campaign.yaml:8:11: recipients[0].tags: wrong_value",
            "campaign.yaml:6:40: recipients[0].alternate_phones[1]: bad_phone",
            "campaign.yaml:7:16: recipients[0].time_zone: wrong_value",
        ],
    ),
    Broken(
        "more further numbers than anybody has",
        START + "recipients:\n  - phone: '+12025550123'\n"
        f"    alternate_phones: ['{'1;' * 10}', '1']\n",
        ["campaign.yaml:6:24: recipients[0].alternate_phones[0]: too_many_numbers"],
    ),
    Broken(
        "one number for two people",
        START + "recipients:\n  - phone: '+12025550123'\n  - phone: '+1 (202) 555-0123'\n",
        ["campaign.yaml:6:12: recipients[1].phone: repeated_number"],
        says=[
            "campaign.yaml:6:12: recipients[1].phone: found '+1 (202) 555-0123', which is on line "
            "5 already; a campaign calls each number for one person, remove one"
        ],
    ),
    Broken(
        "a number of no place",
        START + "recipients: [{phone: '+80012345678'}]\n",
        ["campaign.yaml:4:22: recipients[0].phone: unknown_zone"],
    ),
    Broken(
        "a region that is none",
        CSV_HEAD + "  default_region: UK\n",
        ["campaign.yaml:6:19: recipients.default_region: wrong_value"],
        {"people.csv": "phone\n020 7946 0018\n"},
    ),
)
def test_recipients(case: Broken) -> None:
    case.check()


@table(
    Broken(
        "no file",
        CSV_HEAD,
        ["campaign.yaml:5:8: recipients.csv: csv_not_opened"],
    ),
    Broken(
        "a folder",
        START + "recipients: {csv: .}\n",
        ["campaign.yaml:4:19: recipients.csv: csv_not_opened"],
    ),
    Broken(
        "a device",
        START + "recipients: {csv: /dev/zero}\n",
        ["campaign.yaml:4:19: recipients.csv: csv_not_opened"],
    ),
    Broken(
        "an empty file",
        CSV_HEAD,
        ["people.csv:1:1: file: empty_file"],
        {"people.csv": "\n\n"},
    ),
    Broken(
        "nobody",
        CSV_HEAD,
        ["people.csv:1:1: file: no_rows"],
        {"people.csv": "phone,first_name\n,\n"},
    ),
    Broken(
        "no column for the phone",
        CSV_HEAD,
        ["people.csv:1:1: phone: missing_column"],
        {"people.csv": "first_name,mobile\nAnn,+12025550123\n"},
    ),
    Broken(
        "names that are no names",
        CSV_HEAD + "  columns: {phone: x1}\n",
        ["campaign.yaml:6:20: recipients.columns.phone: unknown_column"],
        {"people.csv": '"a\nb",' + ",".join(str(number) for number in range(200, 250)) + "\n"},
    ),
    Broken(
        "columns that are not there",
        CSV_HEAD + "  columns:\n    phone: Mobil\n    time_zone: zone\n    alternate_phones: "
        "[mobile, work]\n",
        [
            "campaign.yaml:7:12: recipients.columns.phone: unknown_column",
            "campaign.yaml:8:16: recipients.columns.time_zone: unknown_column",
            "campaign.yaml:9:32: recipients.columns.alternate_phones[1]: unknown_column",
        ],
        {"people.csv": "first_name,mobile\nAnn,+12025550123\n"},
        says=[
            "campaign.yaml:7:12: recipients.columns.phone: found 'Mobil', which is no column of "
            "people.csv; did you mean mobile?",
            "campaign.yaml:8:16: recipients.columns.time_zone: found 'zone', which is no column "
            "of people.csv; its columns are first_name, mobile",
            "campaign.yaml:9:32: recipients.columns.alternate_phones[1]: found 'work', which is "
            "no column of people.csv; its columns are first_name, mobile",
        ],
    ),
    Broken(
        "a column for two things",
        CSV_HEAD + "  columns: {alternate_phones: phone}\n",
        ["campaign.yaml:6:31: recipients.columns.alternate_phones: repeated_column"],
        {"people.csv": "phone\n+12025550123\n"},
    ),
    Broken(
        "columns like further numbers",
        CSV_HEAD,
        ["people.csv:1:3: Phone 2: undeclared_column"],
        {
            "people.csv": "phone,alternate_phones,Phone 2,alt_phone,phone_model\n"
            "+12025550123,,+12025550124,,3310\n"
        },
        says=[
            "people.csv:1:3: Phone 2: found a column that is named like a further number; write "
            "columns: {alternate_phones: [alternate_phones, Phone 2, alt_phone]} into the "
            "definition to have it called too, or alternate_phones: [] to keep it as a variable",
        ],
    ),
    Broken(
        "columns twice and without a name",
        CSV_HEAD,
        [
            "people.csv:1:3: name: repeated_column",
            "people.csv:2:4: column 4: unnamed_column",
        ],
        {"people.csv": "phone,name,name,\n+12025550123,a,b,c\n"},
    ),
    Broken(
        "ragged rows",
        CSV_HEAD,
        [
            "people.csv:2:3: row: ragged_row",
            "people.csv:4:2: row: ragged_row",
        ],
        {"people.csv": "phone,name\n+12025550123,Doe,Jane\n\n+12025550124\n+12025550125,x,\n"},
    ),
    Broken(
        "numbers",
        CSV_HEAD,
        [
            "people.csv:2:2: phone: bad_phone",
            "people.csv:3:2: phone: missing",
            "people.csv:4:2: phone: bad_phone",
            "people.csv:5:2: phone: bad_phone",
        ],
        {"people.csv": "name,phone\na,2025550123\nb,\nc,ask her\nd,+1 202 555\n"},
    ),
    Broken(
        "a text for a number",
        CSV_HEAD,
        ["people.csv:2:1: phone: bad_phone"],
        {"people.csv": f"phone\n{'x' * 300}\n"},
    ),
    Broken(
        "further numbers",
        CSV_HEAD + "  columns: {alternate_phones: [home, work]}\n",
        [
            "people.csv:2:2: home: bad_phone",
            "people.csv:2:3: work: bad_phone",
        ],
        {"people.csv": "phone,home,work\n+12025550123,+12025550124; 12,none\n"},
    ),
    Broken(
        "one number on two lines",
        CSV_HEAD,
        ["people.csv:5:1: phone: repeated_number"],
        {"people.csv": 'phone,note\n+12025550123,"two\nlines"\n\n+1 202 555 0123,x\n'},
    ),
    Broken(
        "zones",
        CSV_HEAD,
        [
            "people.csv:2:2: time_zone: wrong_value",
            "people.csv:3:1: phone: unknown_zone",
        ],
        {"people.csv": "phone,time_zone\n+12025550123,America/NewYork\n+80012345678,\n"},
    ),
    Broken(
        "a quote left open",
        CSV_HEAD,
        ["people.csv:3:1: row: csv_syntax"],
        {"people.csv": 'phone,name\n+12025550123,a\n+12025550124,"b\n+12025550125,c\n'},
    ),
    Broken(
        "a quote within quotes",
        CSV_HEAD,
        ["people.csv:2:1: row: csv_syntax"],
        {"people.csv": 'phone,name\n+12025550123,"the "old" man"\n+12025550124,b\n'},
    ),
    Broken(
        "saved as Latin-1",
        CSV_HEAD,
        ["people.csv:3:2: file: not_utf8"],
        {"people.csv": "phone;name\n+12025550123;Zo\n+12025550124;Zoé\n".encode("latin-1")},
    ),
    Broken(
        "saved as UTF-16",
        CSV_HEAD,
        ["people.csv:1:1: file: csv_not_readable"],
        {"people.csv": "phone\n+12025550123\n".encode("utf-16")},
    ),
    Broken(
        "a line without end",
        CSV_HEAD,
        ["people.csv:2:1: file: csv_not_readable"],
        {"people.csv": "phone\n" + "1" * 1_000_001},
    ),
    Broken(
        "a row without end, each of whose lines is short",
        CSV_HEAD,
        ["people.csv:3:1: file: csv_not_readable"],
        {"people.csv": 'phone,note\n+12025550123,a\n"' + '","\n' * 300_000},
        says=[
            "people.csv:3:1: file: found a row of more than 1000000 characters; "
            "a quote is probably opened here and never closed",
        ],
    ),
    Broken(
        "more further numbers than anybody has",
        CSV_HEAD + "  columns: {alternate_phones: [others, more]}\n",
        ["people.csv:3:2: others: too_many_numbers"],
        {
            "people.csv": "phone,others,more\n"
            f"+12025550123,{';'.join(['+12025550124'] * 9)},+12025550125\n"
            f"+12025550126,{';1' * 10},+12025550125\n"
        },
        says=[
            "people.csv:3:2: others: found 11 further numbers; write at most 10",
        ],
    ),
    Broken(
        "the definition and the contacts at once",
        CSV_HEAD + "recording: perhaps\nschedule: {hours: always}\n",
        [
            "campaign.yaml:6:12: recording: wrong_value",
            "campaign.yaml:7:19: schedule.hours: wrong_value",
            "people.csv:2:1: phone: bad_phone",
        ],
        {"people.csv": "phone\nnone\n"},
    ),
)
def test_contact_files(case: Broken) -> None:
    case.check()


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "people.csv")
    Broken("a pipe", CSV_HEAD, ["campaign.yaml:5:8: recipients.csv: csv_not_opened"]).check()


def test_a_name_that_is_too_long_for_a_file(folder: Path) -> None:
    name = "a" * 300
    Broken(
        "no such name",
        CSV_HEAD.replace("people.csv", name),
        ["campaign.yaml:5:8: recipients.csv: csv_not_opened"],
    ).check()
