"""What is told about one person: evidence, rules, ledger, the next instant, and what changes it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import CampaignRecord
from outdial.intake.definition import read_definition_text
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.compliance.explaining import explain
from outdial.services.errors import NoSuchPerson
from outdial.store.compliance import suppressions
from outdial.store.roster import roster
from tests.builders import located_as
from tests.services.world import World, new_name

MIAMI = "+13055551234"
NOWHERE = "+17292011234"


async def _launched(world: World, others: str = "+12125551234") -> CampaignRecord:
    text = (
        f"name: {new_name()}\npurpose: telemarketing\nagent: a\nretry: {{max_attempts: 5}}\n"
        "caps: [{calls: 2, within: 30d}]\n"
        f"recipients: [{{phone: '{MIAMI}', alternate_phones: '{others}', state: FL,"
        " consent: written, consent_proof: form 17}]\n"
    )
    record = (await launch_campaign(world.ctx, read_definition_text(text))).campaign
    person = RecipientDraft(position=1, phone=NOWHERE)
    nowhere = [located_as(person, "no time zone is known")]

    def enroll(s: Session) -> None:
        roster.enroll_chunk(s, record.id, record.launch, 1, nowhere)

    await world.ctx.database.write(enroll)
    return record


async def test_everything_a_decision_is_made_from(world: World) -> None:
    record = await _launched(world)
    world.clock.now = world.clock.now.replace(hour=7, minute=0)
    for number in (MIAMI, "+12125551234"):  # by the alternate number too
        (explanation,) = await explain(world.ctx, record.name, number)
        # Florida has two zones, its area code and New York's one: it is made no wider.
        assert explanation["zones"]["source"] == "area_code"
        assert explanation["zones"]["candidates"] == ["America/New_York"]
        assert explanation["jurisdictions"] == ["US-FL", "US-NY"]
        cited = {rule["id"]: rule["cite"] for rule in explanation["rules"]}
        assert cited["US-FL.hours"] == "Fla. Stat. 501.616(6)"
        assert {cap["by"] for cap in explanation["caps"]} == {"campaign", "US-FL.cap"}
        assert all(cap["used"] == 0 for cap in explanation["caps"])
        assert explanation["consent"]["proof"] == "form 17"
        assert explanation["decision"]["answer"] == "wait"
        assert "schedule.hours" in explanation["decision"]["could_change_it"]
        opens = world.clock.now.replace(hour=14)  # 09:00 in Miami
        assert explanation["decision"]["until"] == opens.isoformat()


async def test_a_listed_number_says_since_when_and_what_would_change_it(world: World) -> None:
    with_another, record = await _launched(world), await _launched(world, others="")
    now = world.clock.now + timedelta(hours=1)
    await world.ctx.database.write(
        lambda s: suppressions.suppress_all(s, "default", [MIAMI], "asked", now=now, source="desk")
    )
    (explanation,) = await explain(world.ctx, record.name, MIAMI)
    assert explanation["decision"]["code"] == "suppressed"
    assert "lifting the number" in explanation["decision"]["could_change_it"]
    assert [one["source"] for one in explanation["suppression_history"]] == ["desk"]
    (explanation,) = await explain(world.ctx, with_another.name, MIAMI)
    assert explanation["decision"]["code"] == "next_number"
    assert explanation["decision"]["reason"] == (
        "another number of theirs is next: the number must not be called: asked"
    )
    await world.ctx.database.write(lambda s: suppressions.lift(s, "default", MIAMI, now=now))


async def test_a_refused_recipient_is_explained(world: World) -> None:
    record = await _launched(world)
    (explanation,) = await explain(world.ctx, record.name, NOWHERE)
    assert explanation["decision"] == {"answer": "done", "reason": "no time zone is known"}
    assert explanation["zones"] is None
    with pytest.raises(NoSuchPerson):
        await explain(world.ctx, record.name, "+12125559999")


async def test_a_person_is_explained_by_any_form_of_a_number(world: World) -> None:
    text = (
        f"name: {new_name()}\npurpose: informational\nagent: a\n"
        f"recipients: [{{phone: '{MIAMI}', alternate_phones: '+5491123456789'}}]\n"
    )
    record = (await launch_campaign(world.ctx, read_definition_text(text))).campaign
    refused = [located_as(RecipientDraft(position=1, phone="+5491187654321"), "no time zone")]
    await world.ctx.database.write(
        lambda s: roster.enroll_chunk(s, record.id, record.launch, 1, refused)
    )
    assert len(await explain(world.ctx, record.name, "+541123456789")) == 1
    (explanation,) = await explain(world.ctx, record.name, "+541187654321")
    assert explanation["decision"]["reason"] == "no time zone"
