"""Broken definitions, with place and code of every problem: values of the wrong kind or size."""

from __future__ import annotations

import pytest

from tests.intake.broken import HEAD, Broken, table

pytestmark = pytest.mark.usefixtures("folder")

WITH_RECIPIENTS = 'recipients: [{phone: "+12025550123"}]\n'


@table(
    Broken(
        "a name for people",
        "name: Spring Reminder\npurpose: informational\nagent: x\n" + WITH_RECIPIENTS,
        ["campaign.yaml:1:7: name: wrong_value"],
        says=[
            "campaign.yaml:1:7: name: found 'Spring Reminder'; write a name such as "
            "spring-reminder: a-z, 0-9, - and _, at most 63 of them; did you mean "
            "spring-reminder?"
        ],
    ),
    Broken(
        "a name that is taken",
        "name: direct\npurpose: informational\nagent: x\n" + WITH_RECIPIENTS,
        ["campaign.yaml:1:7: name: reserved_name"],
    ),
    Broken(
        "a callback by its former name",
        HEAD + "callbacks:\n  - {do: call_back, when: {disposition: call_me_later}}\n",
        ["campaign.yaml:6:10: callbacks[0].do: wrong_value"],
        says=[
            "campaign.yaml:6:10: callbacks[0].do: "
            "found 'call_back', which is now redial; write redial"
        ],
    ),
    Broken(
        "a key by its former name",
        HEAD + "callbacks:\n  - {do: suppress, because: asked}\n",
        ["campaign.yaml:6:20: callbacks[0].because: unknown_key"],
        says=[
            "campaign.yaml:6:20: callbacks[0].because: "
            "unknown key 'because', which is now reason; write reason"
        ],
    ),
    Broken(
        "a purpose that is none",
        "name: spring\npurpose: Telemarkting\nagent: x\n" + WITH_RECIPIENTS,
        ["campaign.yaml:2:10: purpose: wrong_value"],
    ),
    Broken(
        "an agent that is none",
        "name: spring\npurpose: informational\nagent:\n  id: ''\n  settings: warm\n"
        + WITH_RECIPIENTS,
        [
            "campaign.yaml:4:7: agent.id: wrong_value",
            "campaign.yaml:5:13: agent.settings: wrong_value",
        ],
    ),
    Broken(
        "numbers that are none, or too large",
        HEAD + "pacing:\n  max_concurrent: 5000\n  per_minute: lots\n",
        [
            "campaign.yaml:6:19: pacing.max_concurrent: wrong_value",
            "campaign.yaml:7:15: pacing.per_minute: wrong_value",
        ],
        says=[
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
            "campaign.yaml:5:26: pacing.max_concurrent: wrong_value",
            "campaign.yaml:5:44: pacing.per_minute: wrong_value",
        ],
    ),
    Broken(
        "keys left empty",
        HEAD + "pacing:\nline:\ndescription:\nrecording:\nconsent: ~\ncalendar: null\n",
        [
            "campaign.yaml:6:1: pacing: wrong_value",
            "campaign.yaml:7:1: line: empty_value",
            "campaign.yaml:9:1: recording: empty_value",
            "campaign.yaml:9:10: consent: empty_value",
            "campaign.yaml:10:11: calendar: empty_value",
        ],
    ),
    Broken(
        "outcomes left empty",
        HEAD + "retry:\n  busy:\n  no_answer: ~\n",
        [
            "campaign.yaml:7:3: retry.busy: empty_value",
            "campaign.yaml:7:14: retry.no_answer: empty_value",
        ],
    ),
    Broken(
        "lines with mistakes",
        HEAD
        + "line:\n  - {name: main, wight: 3}\n  - {name: spare, weight: -1}\n  - {weight: 2}\n",
        [
            "campaign.yaml:6:18: line[0].wight: unknown_key",
            "campaign.yaml:7:27: line[1].weight: wrong_value",
            "campaign.yaml:8:5: line[2].name: missing",
        ],
    ),
    Broken(
        "a line twice",
        HEAD + "line: [main, spare, main]\n",
        ["campaign.yaml:5:7: line: wrong_value"],
    ),
    Broken(
        "lines that all stand by",
        HEAD + "line:\n  - {name: main, weight: 0}\n",
        ["campaign.yaml:6:3: line: wrong_value"],
    ),
    Broken(
        "no line at all",
        HEAD + "line: []\n",
        ["campaign.yaml:5:7: line: wrong_value"],
    ),
    Broken(
        "one value for many",
        HEAD + "pacing: 20\nschedule: 09:00-18:00\nretry: [10m]\n",
        [
            "campaign.yaml:5:9: pacing: wrong_value",
            "campaign.yaml:6:11: schedule: wrong_value",
            "campaign.yaml:7:8: retry: wrong_value",
        ],
    ),
    Broken(
        "durations",
        HEAD + "max_duration: 300\nring_timeout: 15m\n",
        [
            "campaign.yaml:5:15: max_duration: wrong_value",
            "campaign.yaml:6:15: ring_timeout: wrong_value",
        ],
        says=[
            "campaign.yaml:5:15: max_duration: found '300'; write a number and a unit, such as "
            "45s, 10m, 2h, 1d or 1h30m",
            "campaign.yaml:6:15: ring_timeout: found 15m; write a duration between 1s and 10m",
        ],
    ),
    Broken(
        "a recording that may be",
        HEAD + "recording: sometimes\n",
        ["campaign.yaml:5:12: recording: wrong_value"],
    ),
    Broken(
        "caller ids",
        HEAD + "caller_ids:\n  - '2025550100'\n  - '+1 202 555'\n  - +12025550101\n",
        [
            "campaign.yaml:6:5: caller_ids[0]: wrong_value",
            "campaign.yaml:7:5: caller_ids[1]: wrong_value",
        ],
    ),
    Broken(
        "one caller id",
        HEAD + "caller_ids: unlisted\n",
        ["campaign.yaml:5:13: caller_ids: wrong_value"],
    ),
)
def test_values(case: Broken) -> None:
    case.check()


@table(
    Broken(
        "days, hours and dates",
        HEAD + "schedule:\n"
        "  days: [Monday, mon-fri]\n"
        "  hours: [9-18, 09:00-25:00, 10:00-10:00]\n"
        "  excluded_dates: [2030-13-01, Christmas]\n",
        [
            "campaign.yaml:6:10: schedule.days[0]: wrong_value",
            "campaign.yaml:6:18: schedule.days[1]: wrong_value",
            "campaign.yaml:7:11: schedule.hours[0]: wrong_value",
            "campaign.yaml:7:17: schedule.hours[1]: wrong_value",
            "campaign.yaml:7:30: schedule.hours[2]: wrong_value",
            "campaign.yaml:8:20: schedule.excluded_dates[0]: wrong_value",
            "campaign.yaml:8:32: schedule.excluded_dates[1]: wrong_value",
        ],
    ),
    Broken(
        "nobody is ever called",
        HEAD + "schedule:\n  days: []\n  hours: []\n",
        [
            "campaign.yaml:6:9: schedule.days: wrong_value",
            "campaign.yaml:7:10: schedule.hours: wrong_value",
        ],
    ),
    Broken(
        "instants without an offset",
        HEAD + "schedule:\n  start: 2030-01-31\n  end: 2030-02-28 18:00:00\n",
        [
            "campaign.yaml:6:10: schedule.start: wrong_value",
            "campaign.yaml:7:8: schedule.end: wrong_value",
        ],
    ),
    Broken(
        "instants that are none",
        HEAD + "schedule:\n  start: 20300131\n  end: 2030-02-30T18:00:00Z\n",
        [
            "campaign.yaml:6:10: schedule.start: wrong_value",
            "campaign.yaml:7:8: schedule.end: wrong_value",
        ],
    ),
    Broken(
        "an end before the start, seen through its offset",
        HEAD + "schedule:\n  start: 2030-01-31T09:00:00+00:00\n  end: 2030-01-31T09:30:00+01:00\n",
        ["campaign.yaml:7:8: schedule.end: wrong_value"],
    ),
    Broken(
        "zones",
        HEAD + "schedule:\n  time_zone: Europe/Berln\n  time_zone_policy: caller\n",
        [
            "campaign.yaml:6:14: schedule.time_zone: wrong_value",
            "campaign.yaml:7:21: schedule.time_zone_policy: wrong_value",
        ],
    ),
    Broken(
        "hours of the campaign, but no zone",
        HEAD + "schedule:\n  time_zone_policy: campaign\n",
        ["campaign.yaml:5:1: schedule.time_zone: wrong_value"],
    ),
)
def test_schedule(case: Broken) -> None:
    case.check()


@table(
    Broken(
        "delays",
        HEAD + "retry:\n"
        "  busy: {delays: 10}\n"
        "  no_answer: {delays: [2h, tomorrow]}\n"
        "  voicemail: {delays: []}\n"
        "  failed: {delays: 5000d}\n",
        [
            "campaign.yaml:6:18: retry.busy.delays: wrong_value",
            "campaign.yaml:7:28: retry.no_answer.delays[1]: wrong_value",
            "campaign.yaml:8:23: retry.voicemail.delays: wrong_value",
            "campaign.yaml:9:20: retry.failed.delays: wrong_value",
        ],
    ),
    Broken(
        "a delay where its key belongs",
        HEAD + "retry:\n  busy: 10m\n  no_answer: {}\n",
        [
            "campaign.yaml:6:9: retry.busy: wrong_value",
            "campaign.yaml:7:3: retry.no_answer.delays: missing",
        ],
    ),
    Broken(
        "attempts",
        HEAD + "retry:\n"
        "  max_attempts: 0\n"
        "  max_attempts_per_day: many\n"
        "  busy: {delays: 10m, max_attempts: 101}\n",
        [
            "campaign.yaml:6:17: retry.max_attempts: wrong_value",
            "campaign.yaml:7:25: retry.max_attempts_per_day: wrong_value",
            "campaign.yaml:8:37: retry.busy.max_attempts: wrong_value",
        ],
    ),
)
def test_retry(case: Broken) -> None:
    case.check()
