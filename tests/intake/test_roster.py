"""Rosters that are good, and how they are read: row by row, capped, resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.source import InlineRecipient
from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import LoadedDefinition, read_definition, read_definition_text
from outdial.intake.problems import MAX_PROBLEMS, DefinitionInvalid
from tests.drafts import draft_recipients, read_roster
from tests.intake.broken import CSV_HEAD, HEAD

pytestmark = pytest.mark.usefixtures("folder")

ANN, BOB = "+12025550123", "+12025550124"


def load(people: str | bytes, more: str = "") -> LoadedDefinition:
    data = people if isinstance(people, bytes) else people.encode()
    Path("people.csv").write_bytes(data)
    Path("campaign.yaml").write_text(CSV_HEAD + more)
    return read_definition("campaign.yaml")


def roster(people: str | bytes, more: str = "") -> list[RecipientDraft]:
    loaded = load(people, more)
    assert check_roster(loaded).lines() == []
    return list(read_roster(loaded))


def test_other_columns_are_variables() -> None:
    assert roster(f"phone,First Name,note\n{ANN}, Ann ,\n{BOB},Bob,x\n") == [
        RecipientDraft(position=0, phone=ANN, variables={"First Name": "Ann", "note": ""}),
        RecipientDraft(position=1, phone=BOB, variables={"First Name": "Bob", "note": "x"}),
    ]


def test_mapped_columns_are_no_variables() -> None:
    more = (
        "  default_region: US\n"
        "  columns: {phone: tel, alternate_phones: [home, work], time_zone: tz, postal_code: zip}\n"
    )
    people = (
        "tel,home,work,tz,zip,state\n"
        "202-555-0123,202-555-0124; 202-555-0125 | (202) 555-0123,202 555 0124,America/Denver,"
        "01234,DC\n"
    )
    assert roster(people, more) == [
        RecipientDraft(
            position=0,
            phone=ANN,
            alternate_phones=(BOB, "+12025550125"),
            time_zone="America/Denver",
            postal_code="01234",
            state="DC",
        )
    ]


def test_columns_have_the_keys_own_name_by_default() -> None:
    people = f"time_zone,phone,alternate_phones,state\nAmerica/Denver,{ANN},{BOB},\n"
    assert roster(people) == [
        RecipientDraft(position=0, phone=ANN, alternate_phones=(BOB,), time_zone="America/Denver")
    ]
    unused = roster(people, "  columns: {time_zone: null}\n")
    assert unused[0].time_zone is None
    assert unused[0].variables == {"time_zone": "America/Denver"}


def test_columns_like_further_numbers_are_variables_when_the_definition_says_so() -> None:
    people = f"phone,phone_2,phone_model,telex_2\n{ANN},{BOB},3310,x\n"
    [none] = roster(people, "  columns: {alternate_phones: []}\n")
    assert none.alternate_phones == ()
    assert none.variables == {"phone_2": BOB, "phone_model": "3310", "telex_2": "x"}
    [called] = roster(people, "  columns: {alternate_phones: phone_2}\n")
    assert called.alternate_phones == (BOB,)
    [taken] = roster(people, "  columns: {phone: phone_2}\n")
    assert taken.variables == {"phone": ANN, "phone_model": "3310", "telex_2": "x"}


def test_templates_are_added_on_top_of_the_row() -> None:
    more = (
        "variables:\n"
        '  greeting: "Hello {{ first_name | title }}"\n'
        "  first_name: \"{{ row['Last Name'] }}\"\n"
        "  about: \"{{ phone }} {{ state }}{{ time_zone }}{% if vip == 'yes' %}!{% endif %}\"\n"
        "  nick: \"{{ nick | default('friend') }}\"\n"
    )
    [ann] = roster(f"phone,first_name,Last Name,vip\n{ANN},ann,Lee,yes\n", more)
    assert ann.variables == {
        "first_name": "Lee",
        "Last Name": "Lee",
        "vip": "yes",
        "greeting": "Hello Ann",
        "about": f"{ANN} !",
        "nick": "friend",
    }


@pytest.mark.parametrize(
    "people",
    [
        f"phone,name\n{ANN},Zoé\n",
        f"phone;name\n{ANN};Zoé\n",
        f"phone\tname\n{ANN}\tZoé\n",
        f"\ufeffphone,name\r\n{ANN},Zoé\r\n",
        f"\n\nphone,name,\n\n{ANN},Zoé,\n,,\n".replace("name,", "name").replace("Zoé,", "Zoé"),
        f'"phone", "name"\n{ANN}, "Zoé"',
        f"name,phone\nZoé,{ANN},,\n",
    ],
)
def test_forms_of_csv(people: str) -> None:
    assert roster(people) == [RecipientDraft(position=0, phone=ANN, variables={"name": "Zoé"})]


def test_quoted_values_hold_delimiters_and_line_ends() -> None:
    [ann] = roster(f'phone,note\n{ANN},"one, two\nand ""three"""\n')
    assert ann.variables == {"note": 'one, two\nand "three"'}


@pytest.mark.usefixtures("calls_toll_free")
def test_a_zone_for_all_lets_numbers_of_no_place_in() -> None:
    people = "phone\n+80012345678\n"
    assert roster(people, "schedule: {time_zone: Europe/Berlin}\n")[0].time_zone is None
    policy = "schedule: {time_zone: Europe/Berlin, time_zone_policy: campaign}\n"
    assert len(roster(people, policy)) == 1
    assert len(roster("phone,time_zone\n+80012345678,Europe/Berlin\n")) == 1


def test_recipients_in_the_definition() -> None:
    text = HEAD.replace(
        'recipients: [{phone: "+12025550123"}]',
        f'recipients: [{{phone: "{ANN}", alternate_phones: "{BOB}", visits: 07, vip: true, x: }}]',
    )
    loaded = read_definition_text(text + 'variables: {a: "{{ visits }}{{ x }}"}\n')
    assert list(read_roster(loaded)) == [
        RecipientDraft(
            position=0,
            phone=ANN,
            alternate_phones=(BOB,),
            variables={"visits": "07", "vip": "true", "x": "", "a": "07"},
        )
    ]


def test_problems_are_capped_and_counted() -> None:
    good = f"{ANN},a\n"
    loaded = load("phone,name\n" + good + "x,y\n" * (MAX_PROBLEMS + 234))
    check = check_roster(loaded)
    assert check.count == 1
    assert (len(check.problems), check.omitted) == (MAX_PROBLEMS, 234)
    assert check.lines()[-1] == "and 234 more"
    with pytest.raises(DefinitionInvalid, match="and 234 more"):
        check.require_good()


def test_what_a_template_lacks_is_reported_once() -> None:
    people = "".join(f"+1202555{number:04}\n" for number in range(100, 150))
    check = check_roster(load(f"phone\n{people}", 'variables: {a: "{{ b }}"}\n'))
    assert check.lines() == [
        "campaign.yaml:6:16: variables.a: found 'b', which line 2 of people.csv does not have; "
        "it has phone, time_zone, postal_code, state"
    ]
    assert check.count == 0


def test_a_text_can_not_name_files_of_this_machine() -> None:
    loaded = read_definition_text(CSV_HEAD.replace("people.csv", "/etc/passwd"))
    assert check_roster(loaded).lines() == [
        "definition:5:8: recipients.csv: found a contact file, which can't be read from here; "
        "write a list of recipients"
    ]
    Path("people.csv").write_text(f"phone\n{ANN}\n")
    assert check_roster(read_definition_text(CSV_HEAD, base=Path())).count == 1


def test_recipients_of_a_request() -> None:
    definition = read_definition_text(HEAD + 'variables: {a: "Hi {{ name }}"}\n').definition
    people = [InlineRecipient.model_validate({"phone": BOB, "name": "Bob", "age": 40})]
    assert draft_recipients(definition, people) == [
        RecipientDraft(position=0, phone=BOB, variables={"name": "Bob", "age": "40", "a": "Hi Bob"})
    ]
    with pytest.raises(DefinitionInvalid) as caught:
        draft_recipients(definition, [*people, InlineRecipient(phone="x", alternate_phones=("1",))])
    assert [str(problem) for problem in caught.value.problems] == [
        "request:1:1: recipients[1].phone: found 'x', which is no telephone number; write one "
        "such as +12025550123",
        "request:1:1: recipients[1].alternate_phones[0]: found '1', which is no telephone "
        "number; write one such as +12025550123",
        "request:1:1: variables.a: found 'name', which recipients[1] does not have; it has "
        "phone, time_zone, postal_code, state",
    ]


def test_existing_appointments_are_read_in_the_calendars_zone() -> None:
    text = (
        HEAD.partition("recipients:")[0]
        + "recipients:\n"
        + '  - {phone: "+12025550123", at: "2030-06-04T09:30", uid: u1}\n'
        + '  - {phone: "+12025550124", at: "", uid: ""}\n'
        + "calendar: {name: clinic, time_zone: America/New_York, title: 'Visit of {{ phone }}',\n"
        + "  existing: '{{ at }}', existing_uid: '{{ uid }}'}\n"
    )
    first, second = read_roster(read_definition_text(text))
    assert first.appointment_at is not None
    assert first.appointment_at.isoformat() == "2030-06-04T13:30:00+00:00"
    assert (first.appointment_uid, first.appointment_title) == ("u1", "Visit of +12025550123")
    assert second.appointment_at is None
    wrong = check_roster(read_definition_text(text.replace("2030-06-04T09:30", "June 4th")))
    assert "calendar.existing: " in wrong.lines()[0]
    assert "names no date and time" in wrong.lines()[0]
