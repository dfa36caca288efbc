"""Everything a definition may hold, in every form in which it may be written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from outdial.domain.call.retry import OutcomeRetry, Retry
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule, Span, TimeZonePolicy, Weekday
from outdial.domain.definition.source import CsvSource, InlineRecipient
from outdial.domain.line.routing import LineShare
from outdial.intake.definition import read_definition, read_definition_text
from outdial.intake.problems import DefinitionInvalid
from tests.intake.broken import HEAD


def read(text: str) -> CampaignDefinition:
    return read_definition_text(text).definition


def test_the_shortest_definition_has_defaults() -> None:
    definition = read(HEAD)
    assert definition.purpose is Purpose.INFORMATIONAL
    assert definition.lines == ()
    assert definition.agent == Agent(id="bookseller")
    assert definition.caller_ids == ()
    assert definition.schedule == Schedule()
    assert definition.retry == Retry()
    assert definition.pacing.max_concurrent == 10
    assert definition.max_duration == timedelta(minutes=10)
    assert not definition.recording


def test_a_campaign_may_have_several_lines() -> None:
    text = HEAD + (
        "line:\n"
        "  - {name: main, weight: 3}\n"
        "  - second\n"
        "  - name: spare\n"
        "    weight: 0\n"
        "    agent: {id: '7', settings: {speed: 1.5, loud: yes, tries: 2}}\n"
        "    caller_ids: +12025550101\n"
    )
    main, second, spare = read(text).line or ()
    assert (main, second) == (LineShare(name="main", weight=3), LineShare(name="second"))
    assert (spare.name, spare.weight, spare.caller_ids) == ("spare", 0, ("+12025550101",))
    assert spare.agent == Agent(id="7", settings={"speed": 1.5, "loud": "yes", "tries": 2})


@pytest.mark.parametrize("written", ["main", "[main]", "{name: main}", "[{name: main}]"])
def test_one_line_may_be_written_in_any_form(written: str) -> None:
    assert read(HEAD + f"line: {written}\n").line == (LineShare(name="main"),)


def test_everything_at_once() -> None:
    definition = read(
        """
name: spring
description: Reminds people of spring.
purpose: telemarketing
line: north
agent: {id: bookseller, settings: {temperature: 0.5, voices: [a, b], loud: true, seed: 7}}
caller_ids: ["+1 202 555 0100", +12025550101]
recipients:
  csv: people.csv
  default_region: US
  columns: {phone: mobile, alternate_phones: [home, work], time_zone: tz, postal_code: zip}
variables: {greeting: "Hello {{ first_name }}"}
schedule:
  start: 2030-01-31T09:00:00+01:00
  end: 2030-02-28T18:00:00Z
  days: [mon, sat]
  hours: [09:00-12:00, 22:00-02:00]
  excluded_dates: [2030-02-14, 2030-02-15]
  time_zone_policy: campaign
  time_zone: Europe/Berlin
pacing: {max_concurrent: 25, per_minute: 60}
retry:
  max_attempts: 5
  max_attempts_per_day: 2
  busy: {delays: [10m, 1h30m], max_attempts: 4}
  no_answer: {delays: [2h, next_day]}
max_duration: 5m
ring_timeout: 25s
recording: true
"""
    )
    assert definition.agent.settings == {
        "temperature": 0.5,
        "voices": ["a", "b"],
        "loud": True,
        "seed": 7,
    }
    assert definition.caller_ids == ("+12025550100", "+12025550101")
    assert isinstance(definition.recipients, CsvSource)
    assert definition.recipients.columns.alternate_phones == ("home", "work")
    assert definition.schedule == Schedule(
        start=datetime(2030, 1, 31, 8, tzinfo=UTC),
        end=datetime(2030, 2, 28, 18, tzinfo=UTC),
        days=(Weekday.MON, Weekday.SAT),
        hours=(Span(start=540, end=720), Span(start=1320, end=120)),
        excluded_dates=(date(2030, 2, 14), date(2030, 2, 15)),
        time_zone_policy=TimeZonePolicy.CAMPAIGN,
        time_zone="Europe/Berlin",
    )
    assert definition.retry.busy == OutcomeRetry(
        delays=(timedelta(minutes=10), timedelta(minutes=90)), max_attempts=4
    )
    assert definition.retry.no_answer == OutcomeRetry(delays=(timedelta(hours=2), "next_day"))
    assert definition.ring_timeout == timedelta(seconds=25)
    assert definition.recording


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("description: x", "description: 'x'"),
        ("caller_ids: '+12025550100'", "caller_ids: ['+12025550100']"),
        ("schedule: {hours: 09:00-12:00}", "schedule: {hours: [09:00-12:00]}"),
        ("schedule: {days: mon}", "schedule: {days: [mon]}"),
        ("schedule: {excluded_dates: 2030-12-25}", "schedule: {excluded_dates: [2030-12-25]}"),
        ("retry: {busy: {delays: 10m}}", "retry: {busy: {delays: [10m]}}"),
        ("retry: {busy: {delays: next_day}}", "retry: {busy: {delays: ['next_day']}}"),
        ("schedule: {hours: 9:00 to 12:00}", "schedule: {hours: 09:00-12:00}"),
        ("max_duration: 90s", "max_duration: 1m30s"),
        ("callbacks: [{do: suppress}]", "callbacks: [{do: suppress, when: {}}]"),
    ],
)
def test_short_forms(short: str, long: str) -> None:
    assert read(HEAD + short) == read(HEAD + long)


def test_an_agent_by_its_id() -> None:
    text = HEAD.replace("agent: bookseller", "agent: {id: bookseller}")
    assert read(text) == read(HEAD)


def test_one_alternate_phone_and_one_alternate_column() -> None:
    start = "name: a\npurpose: informational\nagent: x\n"
    inline = read(start + "recipients: [{phone: '+12025550123', alternate_phones: '+12025550124'}]")
    assert inline.recipients == (
        InlineRecipient(phone="+12025550123", alternate_phones=("+12025550124",)),
    )
    csv = read(start + "recipients: {csv: a.csv, columns: {alternate_phones: home}}")
    assert isinstance(csv.recipients, CsvSource)
    assert csv.recipients.columns.alternate_phones == ("home",)


def test_texts_stay_as_they_were_written() -> None:
    start = "name: 007\npurpose: informational\nagent: no\nrecipients:\n"
    definition = read(start + "  - {phone: +12025550123, postal_code: 01234, seen: 2030-01-02}\n")
    assert definition.name == "007"
    assert definition.agent.id == "no"
    assert definition.recipients == (
        InlineRecipient.model_validate(
            {"phone": "+12025550123", "postal_code": "01234", "seen": "2030-01-02"}
        ),
    )


def test_a_retry_may_be_turned_off() -> None:
    assert read(HEAD + "retry: {unknown: null, call_me_later: ~}").retry.unknown is None


@pytest.mark.parametrize(
    "start",
    [
        "2030-01-31T09:00:00+01:00",
        "'2030-01-31T09:00:00+01:00'",
        "2030-01-31 09:00:00 +01:00",
        "2030-01-31T09:00+0100",
        "2030-01-31t08:00:00z",
        "2030-01-31T03:00:00.000-05:00",
    ],
)
def test_a_timestamp_keeps_its_offset(start: str) -> None:
    definition = read(HEAD + f"schedule: {{start: {start}}}")
    assert definition.schedule.start == datetime(2030, 1, 31, 8, tzinfo=UTC)


def test_anchors_and_aliases() -> None:
    definition = read(HEAD + "retry:\n  busy: &again {delays: 10m}\n  no_answer: *again\n")
    assert (
        definition.retry.busy
        == definition.retry.no_answer
        == OutcomeRetry(delays=(timedelta(minutes=10),))
    )


def test_json_is_yaml() -> None:
    definition = read(
        '{"name": "spring", "purpose": "informational", "agent": "bookseller",\n'
        ' "recipients": [{"phone": "+12025550123"}], "pacing": {"max_concurrent": 3}}'
    )
    assert definition.pacing.max_concurrent == 3


def test_a_definition_survives_json() -> None:
    more = "retry: {busy: {delays: [10m, next_day]}}\nschedule: {hours: 09:00-12:00}"
    definition = read(HEAD + more)
    again = CampaignDefinition.model_validate_json(definition.model_dump_json())
    assert again == definition


def test_a_file_is_read_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "spring.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    loaded = read_definition(path)
    assert loaded.definition.name == "spring"
    assert (loaded.path, loaded.base, loaded.file) == (path, tmp_path, str(path))
    assert read_definition_text(loaded.source_text).definition == loaded.definition


def test_every_problem_is_carried_by_the_error() -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        read_definition_text(HEAD + "recording: 7\nring_timeout: 7\n", name="body")
    assert [(problem.file, problem.line, problem.field) for problem in caught.value.problems] == [
        ("body", 5, "recording"),
        ("body", 6, "ring_timeout"),
    ]
    assert str(caught.value).splitlines()[0] == (
        "body:5:12: recording: found '7'; write true or false"
    )
