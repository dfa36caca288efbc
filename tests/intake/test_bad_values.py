"""Broken definitions, each with the exact messages: values of the wrong kind or size."""

from __future__ import annotations

import pytest

from tests.intake.broken import HEAD, Broken, table

pytestmark = pytest.mark.usefixtures("folder")

WITH_RECIPIENTS = 'recipients: [{phone: "+12025550123"}]\n'


@table(
    Broken(
        "a name for people",
        "name: Spring Reminder\npurpose: informational\nagent: x\n" + WITH_RECIPIENTS,
        [
            "campaign.yaml:1:7: name: found 'Spring Reminder'; write a name such as "
            "spring-reminder: a-z, 0-9, - and _, at most 63 of them; did you mean "
            "spring-reminder?"
        ],
    ),
    Broken(
        "a name that is taken",
        "name: direct\npurpose: informational\nagent: x\n" + WITH_RECIPIENTS,
        [
            "campaign.yaml:1:7: name: found 'direct', which is kept for single calls; write "
            "another name"
        ],
    ),
    Broken(
        "a purpose that is none",
        "name: spring\npurpose: Telemarkting\nagent: x\n" + WITH_RECIPIENTS,
        [
            "campaign.yaml:2:10: purpose: found 'Telemarkting'; write informational or "
            "telemarketing; did you mean telemarketing?"
        ],
    ),
    Broken(
        "an agent that is none",
        "name: spring\npurpose: informational\nagent:\n  id: ''\n  settings: warm\n"
        + WITH_RECIPIENTS,
        [
            "campaign.yaml:4:7: agent.id: found ''; write the agent's id",
            "campaign.yaml:5:13: agent.settings: found 'warm'; write settings as keys and values "
            "below it",
        ],
    ),
    Broken(
        "numbers that are none, or too large",
        HEAD + "pacing:\n  max_concurrent: 5000\n  per_minute: lots\n",
        [
            "campaign.yaml:6:19: pacing.max_concurrent: found '5000'; write a whole number from 1 "
            "to 1000",
            "campaign.yaml:7:15: pacing.per_minute: found 'lots'; write a whole number from 1 to "
            "60000",
        ],
    ),
    Broken(
        "a boolean and a fraction for numbers",
        HEAD + "pacing: {max_concurrent: true, per_minute: 1.5}\n",
        [
            "campaign.yaml:5:26: pacing.max_concurrent: found 'true'; write a whole number from 1 "
            "to 1000",
            "campaign.yaml:5:44: pacing.per_minute: found '1.5'; write a whole number from 1 to "
            "60000",
        ],
    ),
    Broken(
        "keys left empty",
        HEAD + "pacing:\nline:\ndescription:\nrecording:\nconsent: ~\ncalendar: null\n",
        [
            "campaign.yaml:6:1: pacing: found nothing; write its keys below it, such as "
            "max_concurrent: 20",
            "campaign.yaml:7:1: line: found nothing; write the name of a configured line, such "
            "as simulated, or a list of lines",
            "campaign.yaml:9:1: recording: found nothing; write true or false",
            "campaign.yaml:9:10: consent: found nothing; write express or written",
            "campaign.yaml:10:11: calendar: found nothing; write its keys below it, such as name: "
            "clinic",
        ],
    ),
    Broken(
        "outcomes left empty",
        HEAD + "retry:\n  busy:\n  no_answer: ~\n",
        [
            "campaign.yaml:7:3: retry.busy: found nothing; write delays: below it, such as "
            "{delays: 10m}",
            "campaign.yaml:7:14: retry.no_answer: found nothing; write delays: below it, such as "
            "{delays: 10m}",
        ],
    ),
    Broken(
        "lines with mistakes",
        HEAD
        + "line:\n  - {name: main, wight: 3}\n  - {name: spare, weight: -1}\n  - {weight: 2}\n",
        [
            "campaign.yaml:6:18: line[0].wight: unknown key 'wight', did you mean weight?",
            "campaign.yaml:7:27: line[1].weight: found '-1'; write a whole number from 0 to 1000",
            "campaign.yaml:8:5: line[2].name: found no name; write the name of a configured line, "
            "such as simulated",
        ],
    ),
    Broken(
        "a line twice",
        HEAD + "line: [main, spare, main]\n",
        ["campaign.yaml:5:7: line: found 'main' twice; write each line once, with its weight"],
    ),
    Broken(
        "lines that all stand by",
        HEAD + "line:\n  - {name: main, weight: 0}\n",
        [
            "campaign.yaml:6:3: line: found no weight above 0; a line can only stand by for "
            "another one"
        ],
    ),
    Broken(
        "no line at all",
        HEAD + "line: []\n",
        ["campaign.yaml:5:7: line: found an empty list; write at least one line"],
    ),
    Broken(
        "one value for many",
        HEAD + "pacing: 20\nschedule: 09:00-18:00\nretry: [10m]\n",
        [
            "campaign.yaml:5:9: pacing: found '20'; write its keys below it, such as "
            "max_concurrent: 20",
            "campaign.yaml:6:11: schedule: found '09:00-18:00'; write its keys below it, such as "
            "hours: 09:00-18:00",
            "campaign.yaml:7:8: retry: found a list; write its keys below it, such as busy: "
            "{delays: 10m}",
        ],
    ),
    Broken(
        "durations",
        HEAD + "max_duration: 300\nring_timeout: 15m\n",
        [
            "campaign.yaml:5:15: max_duration: found '300'; write a number and a unit, such as "
            "45s, 10m, 2h, 1d or 1h30m",
            "campaign.yaml:6:15: ring_timeout: found 15m; write a duration between 1s and 10m",
        ],
    ),
    Broken(
        "a recording that may be",
        HEAD + "recording: sometimes\n",
        ["campaign.yaml:5:12: recording: found 'sometimes'; write true or false"],
    ),
    Broken(
        "caller ids",
        HEAD + "caller_ids:\n  - '2025550100'\n  - '+1 202 555'\n  - +12025550101\n",
        [
            "campaign.yaml:6:5: caller_ids[0]: found '2025550100', which has no country code; "
            "write it with + and the country code, such as +12025550123",
            "campaign.yaml:7:5: caller_ids[1]: found '+1 202 555', which is not a number of any "
            "numbering plan; check its digits",
        ],
    ),
    Broken(
        "one caller id",
        HEAD + "caller_ids: unlisted\n",
        [
            "campaign.yaml:5:13: caller_ids: found 'unlisted', which is no telephone number; "
            "write one such as +12025550123"
        ],
    ),
)
def test_values(case: Broken) -> None:
    assert case.messages() == case.expected


@table(
    Broken(
        "days, hours and dates",
        HEAD + "schedule:\n"
        "  days: [Monday, mon-fri]\n"
        "  hours: [9-18, 09:00-25:00, 10:00-10:00]\n"
        "  excluded_dates: [2030-13-01, Christmas]\n",
        [
            "campaign.yaml:6:10: schedule.days[0]: found 'Monday'; write mon, tue, wed, thu, fri, "
            "sat, sun, or a list of them; did you mean mon?",
            "campaign.yaml:6:18: schedule.days[1]: found 'mon-fri'; write mon, tue, wed, thu, "
            "fri, sat, sun, or a list of them",
            "campaign.yaml:7:11: schedule.hours[0]: found '9-18'; write a span such as "
            "09:00-18:00 (24:00 is the end of the day)",
            "campaign.yaml:7:17: schedule.hours[1]: found '09:00-25:00', which is no time of day; "
            "write a span such as 09:00-18:00 (24:00 is the end of the day)",
            "campaign.yaml:7:30: schedule.hours[2]: found '10:00-10:00', which is empty; write "
            "00:00-24:00 for the whole day",
            "campaign.yaml:8:20: schedule.excluded_dates[0]: found '2030-13-01', which is in no "
            "calendar; write a date such as 2030-12-25",
            "campaign.yaml:8:32: schedule.excluded_dates[1]: found 'Christmas'; write a date such "
            "as 2030-12-25",
        ],
    ),
    Broken(
        "nobody is ever called",
        HEAD + "schedule:\n  days: []\n  hours: []\n",
        [
            "campaign.yaml:6:9: schedule.days: found an empty list; write at least one, or nobody "
            "is called",
            "campaign.yaml:7:10: schedule.hours: found an empty list; write at least one, or "
            "nobody is called",
        ],
    ),
    Broken(
        "instants without an offset",
        HEAD + "schedule:\n  start: 2030-01-31\n  end: 2030-02-28 18:00:00\n",
        [
            "campaign.yaml:6:10: schedule.start: found '2030-01-31' without an offset; write one, "
            "such as 2030-01-31T00:00:00+00:00",
            "campaign.yaml:7:8: schedule.end: found '2030-02-28 18:00:00' without an offset; "
            "write one, such as 2030-02-28T18:00:00+00:00",
        ],
    ),
    Broken(
        "instants that are none",
        HEAD + "schedule:\n  start: 20300131\n  end: 2030-02-30T18:00:00Z\n",
        [
            "campaign.yaml:6:10: schedule.start: found '20300131'; write a date, a time and an "
            "offset, such as 2030-01-31T09:00:00+01:00",
            "campaign.yaml:7:8: schedule.end: found '2030-02-30T18:00:00Z', which is in no "
            "calendar; write a date, a time and an offset, such as 2030-01-31T09:00:00+01:00",
        ],
    ),
    Broken(
        "an end before the start, seen through its offset",
        HEAD + "schedule:\n  start: 2030-01-31T09:00:00+00:00\n  end: 2030-01-31T09:30:00+01:00\n",
        [
            "campaign.yaml:7:8: schedule.end: found 2030-01-31T08:30:00+00:00, which is not after "
            "start (2030-01-31T09:00:00+00:00); swap them or leave one out"
        ],
    ),
    Broken(
        "zones",
        HEAD + "schedule:\n  time_zone: Europe/Berln\n  time_zone_policy: caller\n",
        [
            "campaign.yaml:6:14: schedule.time_zone: found 'Europe/Berln', which is no IANA time "
            "zone; did you mean Europe/Berlin?",
            "campaign.yaml:7:21: schedule.time_zone_policy: found 'caller'; write callee or "
            "campaign; did you mean callee?",
        ],
    ),
    Broken(
        "hours of the campaign, but no zone",
        HEAD + "schedule:\n  time_zone_policy: campaign\n",
        [
            "campaign.yaml:5:1: schedule.time_zone: found no time_zone, though time_zone_policy "
            "is campaign; write one such as Europe/Berlin"
        ],
    ),
)
def test_schedule(case: Broken) -> None:
    assert case.messages() == case.expected


@table(
    Broken(
        "delays",
        HEAD + "retry:\n"
        "  busy: {delays: 10}\n"
        "  no_answer: {delays: [2h, tomorrow]}\n"
        "  voicemail: {delays: []}\n"
        "  failed: {delays: 5000d}\n",
        [
            "campaign.yaml:6:18: retry.busy.delays: found '10'; write a number and a unit, such "
            "as 45s, 10m, 2h, 1d or 1h30m, or next_day",
            "campaign.yaml:7:28: retry.no_answer.delays[1]: found 'tomorrow'; write a number and "
            "a unit, such as 45s, 10m, 2h, 1d or 1h30m, or next_day",
            "campaign.yaml:8:23: retry.voicemail.delays: found an empty list; write at least one "
            "delay, such as 10m",
            "campaign.yaml:9:20: retry.failed.delays: found '5000d', which is longer than a year; "
            "write less",
        ],
    ),
    Broken(
        "a delay where its key belongs",
        HEAD + "retry:\n  busy: 10m\n  no_answer: {}\n",
        [
            "campaign.yaml:6:9: retry.busy: found '10m'; write delays: below it, such as "
            "{delays: 10m}",
            "campaign.yaml:7:3: retry.no_answer.delays: found no delays; write a delay such as "
            "10m, 2h or next_day, or a list of them",
        ],
    ),
    Broken(
        "attempts",
        HEAD + "retry:\n"
        "  max_attempts: 0\n"
        "  max_attempts_per_day: many\n"
        "  busy: {delays: 10m, max_attempts: 101}\n",
        [
            "campaign.yaml:6:17: retry.max_attempts: found '0'; write a whole number from 1 to 100",
            "campaign.yaml:7:25: retry.max_attempts_per_day: found 'many'; write a whole number "
            "from 1 to 100",
            "campaign.yaml:8:37: retry.busy.max_attempts: found '101'; write a whole number from "
            "1 to 100",
        ],
    ),
)
def test_retry(case: Broken) -> None:
    assert case.messages() == case.expected
