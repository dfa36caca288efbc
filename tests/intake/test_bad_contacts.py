"""Broken rosters, each with the exact messages: recipients in the definition and in files."""

from __future__ import annotations

import pytest

from tests.intake.broken import CSV_HEAD, Broken, table

pytestmark = pytest.mark.usefixtures("folder", "calls_toll_free")

START = "name: spring\npurpose: informational\nagent: bookseller\n"
"""Three lines, so that recipients begin on line 4."""


@table(
    Broken(
        "a path where recipients should be",
        START + "recipients: people.csv\n",
        [
            "campaign.yaml:4:13: recipients: found 'people.csv'; write csv: and the path of a "
            "contact file below it, or a list of recipients"
        ],
    ),
    Broken(
        "an empty list",
        START + "recipients: []\n",
        ["campaign.yaml:4:13: recipients: found no recipients; write at least one"],
    ),
    Broken(
        "a mapping without a file",
        START + "recipients:\n  columns: {phone: mobile}\n",
        ["campaign.yaml:4:1: recipients.csv: found no csv; write the path of a contact file"],
    ),
    Broken(
        "recipients that are none, beside others",
        START + "recipients:\n  - +12025550123\n  - {first_name: Ann}\n  - {phone: '555'}\n",
        [
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
            "campaign.yaml:8:11: recipients[0].tags: found a list; write one value, such as a "
            "text or a number",
            "campaign.yaml:6:40: recipients[0].alternate_phones[1]: found 'home', which is no "
            "telephone number; write one such as +12025550123",
            "campaign.yaml:7:16: recipients[0].time_zone: found 'Mars/Olympus', which is no IANA "
            "time zone; write one such as America/New_York",
        ],
    ),
    Broken(
        "one number for two people",
        START + "recipients:\n  - phone: '+12025550123'\n  - phone: '+1 (202) 555-0123'\n",
        [
            "campaign.yaml:6:12: recipients[1].phone: found '+1 (202) 555-0123', which is on line "
            "5 already; a campaign calls each number for one person, remove one"
        ],
    ),
    Broken(
        "a number of no place",
        START + "recipients: [{phone: '+80012345678'}]\n",
        [
            "campaign.yaml:4:22: recipients[0].phone: found '+80012345678', which tells no time "
            "zone; write a time_zone for it, or one for all under schedule"
        ],
    ),
    Broken(
        "a region that is none",
        CSV_HEAD + "  default_region: UK\n",
        [
            "campaign.yaml:6:19: recipients.default_region: found 'UK', which is no ISO 3166 "
            "country code; write GB"
        ],
        {"people.csv": "phone\n020 7946 0018\n"},
    ),
)
def test_recipients(case: Broken) -> None:
    assert case.messages() == case.expected


@table(
    Broken(
        "no file",
        CSV_HEAD,
        [
            "campaign.yaml:5:8: recipients.csv: found no file 'people.csv'; check the path",
        ],
    ),
    Broken(
        "a folder",
        START + "recipients: {csv: .}\n",
        ["campaign.yaml:4:19: recipients.csv: found a folder, '.'; name the file in it"],
    ),
    Broken(
        "an empty file",
        CSV_HEAD,
        [
            "people.csv:1:1: file: found an empty file; write a row of column names, then one row "
            "a person"
        ],
        {"people.csv": "\n\n"},
    ),
    Broken(
        "nobody",
        CSV_HEAD,
        ["people.csv:1:1: file: found nobody below the column names; write one row a person"],
        {"people.csv": "phone,first_name\n,\n"},
    ),
    Broken(
        "no column for the phone",
        CSV_HEAD,
        [
            "people.csv:1:1: phone: found no column 'phone', only first_name, mobile; write which "
            "one it is into the definition, such as columns: {phone: mobile}"
        ],
        {"people.csv": "first_name,mobile\nAnn,+12025550123\n"},
    ),
    Broken(
        "names that are no names",
        CSV_HEAD + "  columns: {phone: x1}\n",
        [
            "campaign.yaml:6:20: recipients.columns.phone: found 'x1', which is no column of "
            "people.csv; its columns are a\\nb, "
            + ", ".join(str(number) for number in range(200, 219))
            + ", …"
        ],
        {"people.csv": '"a\nb",' + ",".join(str(number) for number in range(200, 250)) + "\n"},
    ),
    Broken(
        "columns that are not there",
        CSV_HEAD + "  columns:\n    phone: Mobil\n    time_zone: zone\n    alternate_phones: "
        "[mobile, work]\n",
        [
            "campaign.yaml:7:12: recipients.columns.phone: found 'Mobil', which is no column of "
            "people.csv; did you mean mobile?",
            "campaign.yaml:8:16: recipients.columns.time_zone: found 'zone', which is no column "
            "of people.csv; its columns are first_name, mobile",
            "campaign.yaml:9:32: recipients.columns.alternate_phones[1]: found 'work', which is "
            "no column of people.csv; its columns are first_name, mobile",
        ],
        {"people.csv": "first_name,mobile\nAnn,+12025550123\n"},
    ),
    Broken(
        "a column for two things",
        CSV_HEAD + "  columns: {alternate_phones: phone}\n",
        [
            "campaign.yaml:6:31: recipients.columns.alternate_phones: found column 'phone', which "
            "is phone already; write another column"
        ],
        {"people.csv": "phone\n+12025550123\n"},
    ),
    Broken(
        "columns twice and without a name",
        CSV_HEAD,
        [
            "people.csv:1:3: name: found this column again, first in field 2; rename one",
            "people.csv:2:4: column 4: found 'c' in a column without a name; name it",
        ],
        {"people.csv": "phone,name,name,\n+12025550123,a,b,c\n"},
    ),
    Broken(
        "ragged rows",
        CSV_HEAD,
        [
            "people.csv:2:3: row: found 3 fields where the header has 2; put quotes around a "
            "value that holds a ','",
            "people.csv:4:2: row: found 1 field where the header has 2; write an empty field for "
            "what is not known",
        ],
        {"people.csv": "phone,name\n+12025550123,Doe,Jane\n\n+12025550124\n+12025550125,x,\n"},
    ),
    Broken(
        "numbers",
        CSV_HEAD,
        [
            "people.csv:2:2: phone: found '2025550123', which has no country code; write it with "
            "+ and the country code, such as +12025550123, or set default_region",
            "people.csv:3:2: phone: found nothing; write a telephone number such as +12025550123",
            "people.csv:4:2: phone: found 'ask her', which is no telephone number; write one such "
            "as +12025550123",
            "people.csv:5:2: phone: found '+1 202 555', which is not a number of any numbering "
            "plan; check its digits",
        ],
        {"people.csv": "name,phone\na,2025550123\nb,\nc,ask her\nd,+1 202 555\n"},
    ),
    Broken(
        "a text for a number",
        CSV_HEAD,
        [
            "people.csv:2:1: phone: found "
            "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…', which is too long "
            "for a telephone number"
        ],
        {"people.csv": f"phone\n{'x' * 300}\n"},
    ),
    Broken(
        "further numbers",
        CSV_HEAD + "  columns: {alternate_phones: [home, work]}\n",
        [
            "people.csv:2:2: home: found '12', which has no country code; write it with + and the "
            "country code, such as +12025550123, or set default_region",
            "people.csv:2:3: work: found 'none', which is no telephone number; write one such as "
            "+12025550123",
        ],
        {"people.csv": "phone,home,work\n+12025550123,+12025550124; 12,none\n"},
    ),
    Broken(
        "one number on two lines",
        CSV_HEAD,
        [
            "people.csv:5:1: phone: found '+1 202 555 0123', which is on line 2 already; a "
            "campaign calls each number for one person, remove one"
        ],
        {"people.csv": 'phone,note\n+12025550123,"two\nlines"\n\n+1 202 555 0123,x\n'},
    ),
    Broken(
        "zones",
        CSV_HEAD,
        [
            "people.csv:2:2: time_zone: found 'America/NewYork', which is no IANA time zone; did "
            "you mean America/New_York?",
            "people.csv:3:1: phone: found '+80012345678', which tells no time zone; write a "
            "time_zone for it, or one for all under schedule",
        ],
        {"people.csv": "phone,time_zone\n+12025550123,America/NewYork\n+80012345678,\n"},
    ),
    Broken(
        "a quote left open",
        CSV_HEAD,
        ["people.csv:3:1: row: found a quote that is never closed; close it"],
        {"people.csv": 'phone,name\n+12025550123,a\n+12025550124,"b\n+12025550125,c\n'},
    ),
    Broken(
        "a quote within quotes",
        CSV_HEAD,
        ["people.csv:2:1: row: found text after a closing quote; double the quotes inside a value"],
        {"people.csv": 'phone,name\n+12025550123,"the "old" man"\n+12025550124,b\n'},
    ),
    Broken(
        "saved as Latin-1",
        CSV_HEAD,
        ["people.csv:3:2: file: found the byte 0xe9, which is not UTF-8; save the file as UTF-8"],
        {"people.csv": "phone;name\n+12025550123;Zo\n+12025550124;Zoé\n".encode("latin-1")},
    ),
    Broken(
        "saved as UTF-16",
        CSV_HEAD,
        ["people.csv:1:1: file: found UTF-16; save the file as UTF-8 (in Excel: CSV UTF-8)"],
        {"people.csv": "phone\n+12025550123\n".encode("utf-16")},
    ),
    Broken(
        "a line without end",
        CSV_HEAD,
        ["people.csv:2:1: file: found a line of more than 1000000 bytes; break it up"],
        {"people.csv": "phone\n" + "1" * 1_000_001},
    ),
    Broken(
        "the definition and the contacts at once",
        CSV_HEAD + "recording: perhaps\nschedule: {hours: always}\n",
        [
            "campaign.yaml:6:12: recording: found 'perhaps'; write true or false",
            "campaign.yaml:7:19: schedule.hours: found 'always'; write a span such as "
            "09:00-18:00 (24:00 is the end of the day)",
            "people.csv:2:1: phone: found 'none', which is no telephone number; write one such as "
            "+12025550123",
        ],
        {"people.csv": "phone\nnone\n"},
    ),
)
def test_contact_files(case: Broken) -> None:
    assert case.messages() == case.expected
