"""Reports are added up from pages of rows: their figures are those of all rows at once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlmodel import Session

from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.domain.record import CampaignRecord
from outdial.domain.report.fold import ReportFold
from outdial.domain.report.report import CampaignReport, GroupFigures
from outdial.store.campaign import campaigns
from outdial.store.campaign.report_rows import read_header, read_people
from outdial.store.db import tables
from outdial.store.db.tables import (
    appointment,
    budget_hold,
    call,
    callback_entry,
    callback_run,
    recipient,
)
from outdial.store.lines.lines import LineLimits, ensure_lines
from outdial.store.roster import roster
from tests.builders import NOW, House, definition, draft, located, located_as, phone
from tests.recomputed import Rows, figures, nearest_rank

pytestmark = pytest.mark.both_databases

ZONES = ("America/New_York", "America/Phoenix", "Asia/Kathmandu", "Europe/London")
OUTCOMES = ("completed", "booked", "opted_out", "call_me_later", "voicemail", None)


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_the_raw_rows(house: House, seed: int) -> None:
    campaign = filled(house, random.Random(seed))
    report = reported(house, campaign, page=7)
    assert report == reported(house, campaign, page=1000), "pages make no difference"
    expected = house.database.read_sync(lambda s: figures(Rows(s, campaign.id, campaign.launch)))
    talk = expected.pop("talk")
    assert shown(report) == expected
    assert (report.talk.calls, report.talk.total) == (len(talk), sum(talk))
    assert (report.talk.p10, report.talk.p50, report.talk.p90) == tuple(
        nearest_rank(talk, share) for share in (0.1, 0.5, 0.9)
    )


def test_an_earlier_launch_has_a_report_of_its_own(house: House) -> None:
    first = house.launch(3)
    house.place(one := house.claim_one(first).call_id)
    house.later(minutes=1)
    house.end(one, CallStatus.NO_ANSWER)
    house.write(lambda s: _finish(s, first))
    house.later(days=1)
    second = house.launch(2)
    assert (second.id, second.launch) == (first.id, 2)
    earlier = reported(house, second, launch=1)
    assert (earlier.launch, earlier.launches, earlier.launched_at) == (1, 2, NOW)
    assert (earlier.funnel.enrolled, earlier.answers.no_answer) == (3, 1)
    present = reported(house, second)
    assert (present.funnel.enrolled, present.answers.attempts) == (2, 0)
    assert present.compliance.head == earlier.compliance.head


@pytest.mark.parametrize("lines", [("simulated", "real"), ("real", "simulated")])
def test_a_report_names_the_lines_on_which_its_launch_called(
    house: House, lines: tuple[str, str]
) -> None:
    """Not those of the plan that is in force now."""
    real = LineLimits(name="real", provider="vapi", max_concurrent=5, per_second=5)
    house.line("simulated")
    house.write(lambda s: ensure_lines(s, "default", [real]))
    first = house.launch(1, line=lines[0])
    house.place(one := house.claim_one(first).call_id)
    house.end(one, CallStatus.NO_ANSWER)
    house.write(lambda s: _finish(s, first))
    house.later(days=1)
    second = house.launch(1, first=1, line=lines[1])
    for launch, name in enumerate(lines, 1):
        report = reported(house, second, launch=launch)
        assert report.lines == [name]
        assert report.simulated == [each for each in report.lines if each == "simulated"]


def test_a_launch_without_rows_has_a_report(house: House) -> None:
    report = reported(house, house.launch(0))
    assert (report.funnel.enrolled, report.funnel.callable.share) == (0, None)
    assert (report.talk.p50, report.costs.total_millionths, report.first_call_at) == (None,) * 3


def reported(
    house: House, campaign: CampaignRecord, *, page: int = 100, launch: int | None = None
) -> CampaignReport:
    number = launch or campaign.launch
    header = house.database.read_sync(lambda s: read_header(s, campaign, number))
    fold, after = ReportFold(header), None
    while True:
        people = house.database.read_sync(
            lambda s, after=after: read_people(  # type: ignore[misc]
                s, campaign.id, number, after=after, limit=page
            )
        )
        fold.add(people.people)
        after = people.last
        if after is None:
            return fold.report(house.now)


def shown(report: CampaignReport) -> dict[str, Any]:
    """A report's figures under the names of the recomputed ones."""
    answers, funnel, summary = report.answers, report.funnel, report.compliance
    unanswered = {
        name: getattr(answers, name) for name in ("no_answer", "busy", "failed", "canceled")
    }
    cells = {(each.attempt, each.hour): each.answered_by_person for each in report.attempts_by_hour}
    return {
        "enrolled": funnel.enrolled,
        "callable": funnel.callable.count,
        "attempted": funnel.attempted.count,
        "answered_by_person": funnel.answered_by_person.count,
        "right_outcome": funnel.right_outcome.count,
        "attempts": answers.attempts,
        "live": answers.answered_by_person.count,
        "dialed": answers.dialed,
        "voicemail": answers.voicemail.count,
        "screened": answers.screened.count,
        "unanswered": Counter(unanswered),
        "heat": Counter({cell: rate.of for cell, rate in cells.items()}),
        "heat_live": Counter({cell: rate.count for cell, rate in cells.items()}),
        "zone": groups(report.zones),
        "line": groups(report.lines_used),
        "agent": groups(report.agents),
        "caller_id": groups(report.caller_ids),
        "revision": groups(report.revisions),
        "calls_by_outcome": Counter({each.outcome: each.calls for each in report.outcomes}),
        "people_by_outcome": Counter({each.outcome: each.people for each in report.outcomes}),
        "millionths": report.costs.total_millionths or 0,
        "computed": report.costs.computed_millionths or 0,
        "waiting": Counter({(each.state, each.reason): each.people for each in report.waiting}),
        "callbacks": Counter(
            {(each.kind, each.state): each.callbacks for each in report.callbacks}
        ),
        "bookings": Counter({each.name: each.count for each in report.bookings}),
        "rules": Counter({each.name: each.count for each in summary.rules}),
        "receipts": summary.receipts,
        "without_receipt": summary.without_receipt,
        "head": summary.head,
        "refusals": Counter({(each.code, each.reason): each.people for each in summary.refusals}),
    }


def groups(figures: list[GroupFigures]) -> dict[str, tuple[Any, ...]]:
    return {
        each.name: (
            each.attempts,
            each.answered_by_person.count,
            each.right_outcome.count,
            each.talk_seconds,
            Counter(each.outcomes),
            each.cost_millionths or 0,
        )
        for each in figures
    }


# --- rows ---------------------------------------------------------------------------------------


def filled(house: House, chance: random.Random) -> CampaignRecord:
    """A campaign of 40 people. Some are called as campaigns call; calls of the others are rows
    with any combination of values."""
    campaign = house.launch(10)
    for one in house.claim(campaign).calls:
        house.place(one.call_id)
        house.later(minutes=chance.randint(0, 90))
        how = chance.choice((CallStatus.COMPLETED, CallStatus.NO_ANSWER, CallStatus.BUSY))
        house.end(one.call_id, how)
    house.later(hours=2)
    changed = definition(agent="agent-2")
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, changed, "", now=house.now))
    rows = [
        *(located_as(draft(at, phone=phone(500 + at)), "no telephone") for at in (10, 11)),
        *(
            each
            for at in range(12, 40)
            for each in located([draft(at, phone=phone(500 + at))], chance.choice(ZONES))
        ),
    ]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 0, rows))
    house.write(lambda s: _add_calls(s, house, campaign, chance))
    return house.write(lambda s: campaigns.require_campaign(s, campaign.id))


def _finish(s: Session, campaign: CampaignRecord) -> None:
    s.connection().execute(
        update(recipient)
        .where(recipient.c.campaign_id == campaign.id)
        .values(state="done", outcome="no_answer")
    )
    s.connection().execute(
        update(tables.campaign)
        .where(tables.campaign.c.id == campaign.id)
        .values(state="finished", finished_at=NOW)
    )


def _add_calls(s: Session, house: House, campaign: CampaignRecord, chance: random.Random) -> None:
    people = s.connection().execute(
        recipient.select().where(recipient.c.campaign_id == campaign.id, recipient.c.position >= 12)
    )
    for person in people.all():
        done = chance.random() < 0.5
        s.connection().execute(
            update(recipient)
            .where(recipient.c.id == person.id)
            .values(
                state="done" if done else chance.choice(("waiting", "ready", "settling")),
                outcome=chance.choice(("completed", "canceled", "suppressed")) if done else None,
                reason=chance.choice(("busy; tried again", "calls are made 9-18; it is 8", None)),
            )
        )
        for number in range(1, chance.randint(1, 5)):
            values = _call(house, campaign, person, number, chance)
            s.connection().execute(insert(call).values(values))
            _add_what_followed(s, campaign, values, chance)


def _call(
    house: House, campaign: CampaignRecord, person: Any, number: int, chance: random.Random
) -> dict[str, Any]:
    status = chance.choice(list(CallStatus))
    at = house.now + timedelta(minutes=chance.randint(-200, 3000))
    return {
        "id": f"call-{person.id}-{number}",
        "tenant": campaign.tenant,
        "campaign_id": campaign.id,
        "campaign": campaign.name,
        "launch": campaign.launch,
        "recipient_id": person.id,
        "number": number,
        "attempt": chance.randint(1, 12),
        "workflow_id": f"workflow-{person.id}-{number}",
        "claim_key": "test",
        "agent": chance.choice(("agent-1", "agent-2")),
        "line": chance.choice(("simulated", "spare")),
        "phone": person.phone,
        "caller_id": chance.choice((None, "+12125550100")),
        "ring_seconds": 30.0,
        "max_seconds": 300.0,
        "status": status.value,
        "fence": "placed",
        "fenced_at": chance.choice((None, at)),
        "is_attempt": status.terminal and chance.random() < 0.8,
        "outcome": chance.choice(OUTCOMES) if status.terminal else None,
        "answered_by": chance.choice((None, *(each.value for each in AnsweredBy))),
        "created_at": at,
        "placed_at": chance.choice((None, at)),
        "answered_at": chance.choice((None, at + timedelta(seconds=chance.randint(1, 30)))),
        "ended_at": at + timedelta(minutes=2) if status.terminal else None,
        "duration_seconds": chance.choice((None, chance.uniform(0, 900))),
        "cost": chance.choice((None, round(chance.uniform(0, 2), 4))),
        "structured": {},
        "evidence": chance.choice(({}, {"revision": 1}, {"revision": 2})),
    }


def _add_what_followed(
    s: Session, campaign: CampaignRecord, values: dict[str, Any], chance: random.Random
) -> None:
    of_call = {"call_id": values["id"], "campaign_id": campaign.id, "created_at": NOW}
    if chance.random() < 0.4:
        run = of_call | {"tenant": campaign.tenant, "state": "pending", "run": 1}
        s.connection().execute(insert(callback_run).values(run))
        for position, kind in enumerate(("webhook", "email")):
            entry = {
                "position": position,
                "kind": kind,
                "callback": "{}",
                "state": chance.choice(("done", "failed")),
                "generation": 1,
                "updated_at": NOW,
            }
            s.connection().execute(insert(callback_entry).values(of_call | entry))
    if chance.random() < 0.5:
        held = {
            "call_id": values["id"],
            "campaign_id": campaign.id,
            "launch": campaign.launch,
            "day": "2026-03-04",
            "recipient_id": values["recipient_id"],
            "highest": 2_000_000,
            "currency": "USD",
            "cost_per_minute": 100_000,
            "cost_per_call": 0,
            "billing_increment": 60,
            "cost": chance.choice((None, chance.randint(0, 2_000_000))),
            "cost_source": "computed",
        }
        s.connection().execute(insert(budget_hold).values(held))
    if chance.random() < 0.3:
        booked = {
            "id": f"appointment-{values['id']}",
            "uid": values["id"],
            "tenant": campaign.tenant,
            "calendar": "desk",
            "phone": values["phone"],
            "call_id": values["id"],
            "starts_at": NOW,
            "ends_at": NOW,
            "status": chance.choice(("booked", "canceled")),
            "sequence": 0,
            "title": "",
            "created_at": NOW,
        }
        s.connection().execute(insert(appointment).values(booked))
