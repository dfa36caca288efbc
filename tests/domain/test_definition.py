"""The definition as a value: defaults, limits, and that it survives being stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, get_args

import pytest
from annotated_types import Le
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from outdial.domain.call.policy import Pacing
from outdial.domain.call.retry import OutcomeRetry, Retry
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule, Span, TimeZonePolicy, Weekday
from outdial.domain.definition.source import CsvColumns, CsvSource, InlineRecipient

MINIMAL: dict[str, Any] = {
    "name": "spring",
    "purpose": "informational",
    "agent": "bookseller",
    "recipients": [{"phone": "+12025550123", "first_name": "Ann", "visits": 3}],
}


def bounds_of(field: FieldInfo) -> Iterator[Le]:
    """The upper bounds of a field, of its type and of what that may be."""
    inner = [each for kind in get_args(field.annotation) for each in get_args(kind)]
    stated = [each.metadata if isinstance(each, FieldInfo) else [each] for each in inner]
    yield from (each for each in chain(field.metadata, *stated) if isinstance(each, Le))


def define(**more: object) -> CampaignDefinition:
    return CampaignDefinition.model_validate({**MINIMAL, **more})


def refusals(**more: object) -> list[tuple[str, str]]:
    """Where and why a definition is refused."""
    with pytest.raises(ValidationError) as caught:
        define(**more)
    return [
        (".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, "))
        for error in caught.value.errors()
    ]


def test_defaults_are_cautious() -> None:
    definition = define()
    assert definition.retry.unknown == OutcomeRetry(delays=("next_day",), max_attempts=2)
    assert definition.retry.busy is None
    assert definition.schedule.hours == (Span(start=540, end=1080),)
    assert definition.schedule.time_zone_policy is TimeZonePolicy.CALLEE
    assert definition.recording is None  # not recorded, where the provider lets us say so


def test_other_keys_of_a_recipient_are_variables() -> None:
    definition = define()
    assert isinstance(definition.recipients, tuple)
    assert definition.recipients[0].variables == {"first_name": "Ann", "visits": 3}


def test_a_definition_can_not_be_changed() -> None:
    definition = define()
    with pytest.raises(ValidationError, match="frozen"):
        definition.name = "summer"  # type: ignore[misc]
    assert hash(definition.schedule) == hash(Schedule())


def test_the_kind_of_recipients_decides_what_is_wrong_with_them() -> None:
    assert [where for where, _ in refusals(recipients={"file": "a.csv"})] == [
        "recipients.csv-source.csv",
        "recipients.csv-source.file",
    ]
    assert [where for where, _ in refusals(recipients=[{"name": "Ann"}])] == [
        "recipients.inline-list.0.phone"
    ]
    assert [where for where, _ in refusals(recipients="a.csv")] == ["recipients"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("max_duration", "0s", "found 0s; write a duration between 1s and 4h"),
        ("max_duration", "4h1s", "found 4h1s; write a duration between 1s and 4h"),
        ("ring_timeout", "11m", "found 11m; write a duration between 1s and 10m"),
    ],
)
def test_durations_have_bounds(key: str, value: str, message: str) -> None:
    assert refusals(**{key: value}) == [(key, message)]


@pytest.mark.parametrize(
    ("model", "key", "high"),
    [
        (model, key, bound.le)
        for model in (Pacing, Retry)
        for key, field in model.model_fields.items()
        for bound in bounds_of(field)
    ],
)
def test_numbers_have_bounds(model: type[Pacing] | type[Retry], key: str, high: int) -> None:
    for value in (1, high):
        assert getattr(model.model_validate({key: value}), key) == value
    for value in (0, high + 1):
        with pytest.raises(ValidationError):
            model.model_validate({key: value})


def test_caller_ids_are_e164() -> None:
    assert define(caller_ids="+1 (202) 555-0100").caller_ids == ("+12025550100",)
    assert refusals(caller_ids=["+12025550100", "2025550101"]) == [
        (
            "caller_ids.1",
            "found '2025550101', which has no country code; write it with + and the country "
            "code, such as +12025550123",
        )
    ]


@pytest.mark.parametrize(
    ("region", "right"),
    [("UK", "GB"), ("us", "US"), ("usa", "one such as GB"), ("", "one such as GB")],
)
def test_regions(region: str, right: str) -> None:
    assert refusals(recipients={"csv": "a.csv", "default_region": region}) == [
        (
            "recipients.csv-source.default_region",
            f"found {region!r}, which is no ISO 3166 country code; write {right}",
        )
    ]


def test_the_schedule_makes_sense() -> None:
    assert refusals(schedule={"time_zone_policy": "campaign"}) == [
        (
            "schedule.time_zone",
            "found no time_zone, though time_zone_policy is campaign; write one such as "
            "Europe/Berlin",
        )
    ]
    at = "2030-01-31T09:00:00+00:00"
    assert refusals(schedule={"start": at, "end": at}) == [
        (
            "schedule.end",
            f"found {at}, which is not after start ({at}); swap them or leave one out",
        )
    ]
    assert [where for where, _ in refusals(schedule={"days": [], "hours": []})] == [
        "schedule.days",
        "schedule.hours",
    ]


def test_the_limit_of_one_outcome() -> None:
    assert OutcomeRetry.model_validate({"delays": "10m"}).limit == 2
    assert OutcomeRetry.model_validate({"delays": ["10m", "1h"]}).limit == 3
    assert OutcomeRetry.model_validate({"delays": ["10m", "1h"], "max_attempts": 1}).limit == 1


def test_weekdays_count_as_dates_do() -> None:
    monday = date(2030, 1, 7)
    assert [day.number for day in Weekday] == [
        (monday + timedelta(days=n)).weekday() for n in range(7)
    ]


DELAYS = st.lists(
    st.just("next_day") | st.timedeltas(timedelta(), timedelta(days=366)), min_size=1, max_size=3
).map(tuple)
RETRIES = st.builds(OutcomeRetry, delays=DELAYS, max_attempts=st.none() | st.integers(1, 100))
SPANS = st.builds(Span, start=st.integers(0, 719), end=st.integers(720, 1440))
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
SCHEDULES = st.builds(
    Schedule,
    start=st.none() | INSTANTS,
    days=st.lists(st.sampled_from(Weekday), min_size=1, max_size=7).map(tuple),
    hours=st.lists(SPANS, min_size=1, max_size=3).map(tuple),
    excluded_dates=st.lists(st.dates(), max_size=3).map(tuple),
    time_zone=st.sampled_from([None, "Europe/Berlin"]),
)
SOURCES = st.builds(
    CsvSource, csv=st.text(min_size=1), columns=st.builds(CsvColumns, phone=st.text())
) | st.lists(st.builds(InlineRecipient, phone=st.text()), max_size=2).map(tuple)


@given(
    st.builds(
        CampaignDefinition,
        name=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True),
        purpose=st.sampled_from(Purpose),
        agent=st.just("x") | st.just({"id": "x", "settings": {"a": [1, None, {"b": 2.5}]}}),
        recipients=SOURCES,
        schedule=SCHEDULES,
        retry=st.builds(Retry, busy=st.none() | RETRIES, unknown=st.none() | RETRIES),
        max_duration=st.timedeltas(timedelta(seconds=1), timedelta(hours=4)),
    )
)
def test_a_definition_survives_being_stored(definition: CampaignDefinition) -> None:
    assert CampaignDefinition.model_validate_json(definition.model_dump_json()) == definition
    assert CampaignDefinition.model_validate(definition.model_dump()) == definition
