"""Texts that look like telephone numbers and are none, or are another's: I1, I2, I3, I5, I8."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.numbers.phone import (
    BadPhone,
    NumberNotAllowed,
    parse_destination,
    parse_phone,
    siblings,
    subscriber,
)
from outdial.domain.numbers.policy import NumberPolicy, NumberType, library_number, refusal
from outdial.domain.rules.place import place_of_number
from tests.numbering import numbers_under

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def example(region: str) -> str:
    number = phonenumbers.example_number(region)
    assert number is not None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize("suffix", [".0", ".00", ",0", "."])
def test_i1_decimals_are_refused_in_every_region(suffix: str) -> None:
    for region in REGIONS:
        e164 = example(region)
        national = str(library_number(e164).national_number)
        for text, of in ((e164, None), (e164[1:], region), (national, region)):
            with pytest.raises(BadPhone, match="decimal"):
                parse_phone(text + suffix, of)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("6.64123456E8", "AT"),
        ("2.123456E6", "BG"),
        ("3.0123456E7", "DE"),
        ("4.47900E+11", "GB"),
        ("4,47900E+11", "DE"),
        ("1.2025550143e10", "US"),
        ("+4.4E+11", None),
        ("12E9", "US"),
        ("1.2 E 10", "US"),
    ],
)
def test_i2_scientific_notation_is_refused_naming_the_spreadsheet(
    text: str, region: str | None
) -> None:
    with pytest.raises(BadPhone, match="spreadsheet"):
        parse_phone(text, region)


@given(st.sampled_from(REGIONS), st.integers(1, 15), st.sampled_from(["E", "E+", "e", "e+", " E+"]))
def test_i2_no_exponent_becomes_a_digit(region: str, power: int, sign: str) -> None:
    national = str(library_number(example(region)).national_number)
    for text in (f"{national[0]}.{national[1:]}{sign}{power}", f"{national}{sign}{power}"):
        with pytest.raises(BadPhone):
            parse_phone(text, region)


EXTENSIONS = [
    "ext. 136",
    " ext 136",
    "x136",
    " x 136",
    "#136",
    ",136",
    ",,136",
    ", 136#",
    ";ext=136",
    ";136",
    "p136",
    "w136",
    " extension 136",
    " Extensión 136",
    " anexo 136",
    " ramal 136",
    " int. 136",
    " poste 136",
    " доб. 136",
    "~136",
]


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("number", ["(650) 253-0000", "+1 650 253 0000", "tel:+1-650-253-0000"])
def test_i3_extensions_are_refused_by_name(number: str, extension: str) -> None:
    with pytest.raises(BadPhone, match="extension 136"):
        parse_phone(number + extension, "US")


@pytest.mark.parametrize("text", ["+1 650 253 0000 Ann", "1-800-FLOWERS", "+49*30123456", "a@b.c"])
def test_letters_and_signs_are_refused(text: str) -> None:
    with pytest.raises(BadPhone):
        parse_phone(text, "US")


@pytest.mark.parametrize(
    ("text", "region", "right"),
    [
        ("(650) 253-0000", "US", "+16502530000"),
        ("650.253.0000", "US", "+16502530000"),
        ("+49 (0)30 123456", None, "+4930123456"),
        ("030/123456-0", "DE", "+49301234560"),
        ("01.23.45.67.00", "FR", "+33123456700"),
        ("\u202a+1 650 253 0000\u202c", None, "+16502530000"),
        ("'+16502530000", None, "+16502530000"),
        ("tel:+1-650-253-0000", None, "+16502530000"),
        ("+１６５０２５３００００", None, "+16502530000"),
        ("00 49 30 123456", "GB", "+4930123456"),
    ],
)
def test_what_people_write_for_a_number_is_still_read(
    text: str, region: str | None, right: str
) -> None:
    assert parse_phone(text, region) == right


@given(st.text(max_size=40), st.sampled_from([None, "US", "DE", "AR"]))
def test_whatever_is_read_holds_no_more_and_no_other_digits(text: str, region: str | None) -> None:
    """Nothing is lost but a trunk or access prefix, nothing added but country code and mobile 9."""
    try:
        e164 = parse_phone(text, region)
    except BadPhone:
        return
    digits = "".join(str(int(sign)) for sign in text if sign.isdecimal())
    assert e164.endswith(digits[-6:])


@pytest.mark.parametrize("region", REGIONS)
def test_every_example_of_every_region_is_read_as_itself(region: str) -> None:
    e164 = example(region)
    assert parse_phone(e164) == e164
    assert (
        parse_phone(
            str(
                phonenumbers.format_number(
                    library_number(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL
                )
            )
        )
        == e164
    )
    assert library_number(e164) == phonenumbers.parse(e164)


# --- one subscriber, several texts ---------------------------------------------------------------


def test_i8_an_argentine_number_with_and_without_9_is_one_subscriber() -> None:
    listed, mobile = parse_phone("+54 11 2345-6789"), parse_phone("+54 9 11 2345-6789")
    assert listed != mobile  # they are dialed differently
    assert subscriber(listed) == subscriber(mobile)
    assert set(siblings(listed)) == set(siblings(mobile)) == {listed, mobile}
    assert siblings(mobile)[0] == mobile
    assert parse_phone("011 15 2345-6789", "AR") == mobile
    assert siblings("+442079460958") == ("+442079460958",)


def test_numbers_before_a_renumbering_are_those_of_today() -> None:
    """Mexico's 1 before mobiles and Brazil's ninth digit, as WhatsApp still has them."""
    assert parse_phone("+52 1 55 1234 5678") == "+525512345678"
    assert parse_phone("+55 11 8765-4321") == "+5511987654321"
    with pytest.raises(BadPhone):
        parse_phone("+55 11 1765-4321")


# --- types and countries -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("+1 900 555 1234", "premium_rate"),
        ("+44 909 8790123", "premium_rate"),
        ("+49 900 1234567", "premium_rate"),
        ("+33 892 123456", "premium_rate"),
        ("+49 180 1234567", "shared_cost"),
        ("+44 70 1234 5678", "personal"),
        ("+44 7640 123456", "pager"),
        ("+1 800 253 0000", "toll_free"),
        ("+1 500 253 0000", "personal"),
        ("+800 1234 5678", "toll_free"),
        ("+870 773 123456", "satellite"),
        ("+881 6 12345678", "satellite"),
        ("+882 16 12345678", "satellite"),
        ("+883 5100 12345678", "satellite"),
        ("+979 123456789", "premium_rate"),
    ],
)
def test_i5_special_numbers_are_refused_unless_the_settings_name_their_type(
    number: str, kind: str
) -> None:
    with pytest.raises(NumberNotAllowed, match=f"numbers.types.*|{kind}") as refused:
        parse_destination(number)
    assert kind in str(refused.value)
    with numbers_under(NumberPolicy(types=frozenset({NumberType(kind)}))):
        assert parse_destination(number) == parse_phone(number)


def test_i5_no_special_example_of_any_region_is_called_by_default() -> None:
    """Every example number of each special type that the library has, in every region."""
    special = {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
        phonenumbers.PhoneNumberType.PAGER,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    }
    called = []
    with numbers_under(NumberPolicy(countries=None)):
        for region in REGIONS:
            for kind in special:
                number = phonenumbers.example_number_for_type(region, kind)
                if number is None or phonenumbers.number_type(number) != kind:
                    continue
                e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                # A number of +1 is told by its area code: a geographic one is a telephone.
                if refusal([place_of_number(e164).destination]) is None:
                    called.append((e164, region, kind))
    assert called == []


def test_countries_beyond_the_list_are_refused_and_named() -> None:
    kazakh, jamaican = "+77011234567", "+18762101234"
    for number, country in ((kazakh, "KZ"), (jamaican, "JM")):
        with pytest.raises(NumberNotAllowed, match=country):
            parse_destination(number)
    with numbers_under(NumberPolicy(countries=frozenset({"KZ"}))):
        assert parse_destination(kazakh) == kazakh
        with pytest.raises(NumberNotAllowed, match="US"):
            parse_destination("+12125550143")
    with numbers_under(NumberPolicy(countries=None)):
        assert parse_destination(jamaican) == jamaican
    # A Russian number is no Kazakh one, though both begin with +7.
    with numbers_under(NumberPolicy(countries=frozenset({"KZ"}))), pytest.raises(NumberNotAllowed):
        parse_destination("+74951234567")


def test_a_new_area_code_can_be_vouched_for() -> None:
    with pytest.raises(BadPhone, match="numbering plan"):
        parse_phone("+1 729 201 1234")
    zones = ("America/Chicago", "America/New_York")
    with numbers_under(NumberPolicy(vouched=(("+1729", zones),))):
        assert parse_destination("+1 729 201 1234") == "+17292011234"
        assert parse_destination("729 201 1234", "US") == "+17292011234"
        assert place_of_number("+17292011234").zones == zones
        with pytest.raises(BadPhone):
            parse_phone("+1 730 001 1234")
        with pytest.raises(BadPhone):
            parse_phone("+1 729 201 12345")  # too long, whoever vouches
    assert place_of_number("+17292011234").zones == ()
