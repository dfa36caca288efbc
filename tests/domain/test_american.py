"""Numbers of country code 1, read by a pattern: whatever it reads, the strict reader reads so."""

from __future__ import annotations

from types import SimpleNamespace

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

from outdial.domain.numbers.american import american_number, ordinary_numbers
from outdial.domain.numbers.phone import BadPhone, read_strictly
from outdial.domain.numbers.policy import NumberType, library_number, type_of
from tests.generating import examples

EXCHANGES = ("000", "199", "200", "211", "310", "500", "555", "600", "911", "950", "976", "999")
LINES = ("0000", "0123", "9999")
AREA_CODES = [str(code) for code in range(200, 1000)]


def strictly(text: str, region: str | None) -> str | None:
    try:
        return read_strictly(text, region)
    except BadPhone:
        return None


@pytest.mark.parametrize("first", range(2, 10))
def test_every_area_code_is_read_as_the_strict_reader_does(first: int) -> None:
    read = set()
    for area in AREA_CODES[(first - 2) * 100 : (first - 1) * 100]:
        for exchange in EXCHANGES:
            for line in LINES[: 3 if exchange == "555" else 1]:
                text = f"+1{area}{exchange}{line}"
                ordinary = american_number(text, None)
                assert (ordinary is not None) == is_ordinary(text), text
                if ordinary is not None:
                    assert ordinary == strictly(text, None)
                    read.add(area)
    assert len(read) > 20


def is_ordinary(e164: str) -> bool:
    """Whether the library says that it is a line of the United States or Canada."""
    number = library_number(e164)
    country = phonenumbers.region_code_for_number(number)
    return country in ("US", "CA") and type_of(number) is NumberType.FIXED_LINE_OR_MOBILE


_digit = st.sampled_from("0123456789")
_separator = st.sampled_from(
    ["", "", " ", "-", ".", "(", ")", ") ", " (", "--", "/", "\u00a0", "٣"]
)


@st.composite
def written(draw: st.DrawFn) -> str:
    """Numbers as people write them, and nearly so."""
    code = draw(st.sampled_from(["", "1", "+1", "+1 ", "1-", "+1-", "+", "001", "+11", "+44"]))
    area = draw(
        st.sampled_from(["202", "416", "800", "900", "500", "264", "340", "522", "983", "310"])
    )
    rest = draw(st.text("0123456789", min_size=5, max_size=8))
    cut = draw(st.integers(0, 4))
    parts = [code, area, rest[:cut], rest[cut:]]
    return "".join(part + draw(_separator) for part in parts).strip(
        draw(st.sampled_from(["", " "]))
    )


@settings(max_examples=examples(3000))
@given(written(), st.sampled_from([None, "US", "CA", "JM", "GB", "ZZ"]))
def test_what_is_read_by_the_pattern_is_read_strictly(text: str, region: str | None) -> None:
    ordinary = american_number(text, region)
    if ordinary is not None:
        assert strictly(text, region) == ordinary


@pytest.mark.parametrize(
    "text",
    ["+12025550123", "+1 202 555 0123", "(202) 555-0123", "202-555-0123", "202.555.0123",
     "1 (202) 555-0123", "2025550123", "12025550123", "+1 (202) 555-0123"],
)  # fmt: skip
def test_usual_forms_need_no_strict_reader(text: str) -> None:
    assert american_number(text, "US") == "+12025550123"
    assert american_number(text, None) == ("+12025550123" if text.startswith("+") else None)


@pytest.mark.parametrize("changed", ["toll_free", "general_desc", "mobile"])
def test_the_pattern_follows_the_metadata(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer metadata may say that some numbers of an area code are of another type, or are none."""
    known = PhoneMetadata.metadata_for_region

    def newer(region: str, default: object = None) -> SimpleNamespace:
        metadata = known(region)
        kept = {name: getattr(metadata, name) for name in dir(metadata) if not name.startswith("_")}
        pattern = "202[2-9]\\d{6}" if changed == "toll_free" else "(?!202)\\d{10}"
        if region == "US":
            kept[changed] = PhoneNumberDesc(national_number_pattern=pattern)
        return SimpleNamespace(**kept)

    monkeypatch.setattr(PhoneMetadata, "metadata_for_region", newer)
    ordinary_numbers.cache_clear()
    try:
        assert american_number("+12025550123", None) is None
        assert american_number("+12125550123", None) == "+12125550123"
    finally:
        ordinary_numbers.cache_clear()
