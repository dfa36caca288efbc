"""What a launch says beforehand about who can never be called."""

from __future__ import annotations

import pytest

from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.services.campaigns.forecasting import forecast
from outdial.services.campaigns.launching import launch_campaign
from outdial.services.errors import NoCallableRecipients, NoSuchCampaign
from outdial.services.operations import reading
from tests.services.world import World, new_name

SIGNED = "consent: written, consent_proof: form 17"


def _sales(name: str, *people: str, more: str = "") -> LoadedDefinition:
    listed = "\n".join(f"  - {{{person}}}" for person in people)
    return read_definition_text(
        f"name: {name}\npurpose: telemarketing\nagent: a\n{more}recipients:\n{listed}\n"
    )


async def test_recipients_that_can_never_be_called_are_counted(world: World) -> None:
    name = new_name()
    people = (f"phone: '+12125551234', {SIGNED}", "phone: '+12125551235'", "phone: '+12125551236'")
    launched = await launch_campaign(world.ctx, _sales(name, *people))
    ((count, reason),) = launched.never
    assert count == 2
    assert reason.startswith("written consent is needed and there is none")


async def test_nobody_to_call_is_no_launch(world: World) -> None:
    name = new_name()
    tokyo = f"phone: '+81312345678', {SIGNED}"
    with pytest.raises(
        NoCallableRecipients, match="1 recipient: no telemarketing rules are known for JP"
    ):
        await launch_campaign(world.ctx, _sales(name, tokyo))
    with pytest.raises(NoSuchCampaign):
        await reading.require_campaign(world.ctx, name)
    risk = "accept_risk: [{rule: no-rules.JP, reason: counsel looked at it}]\n"
    launched = await launch_campaign(world.ctx, _sales(name, tokyo, more=risk))
    assert launched.never == ()


async def test_a_part_of_the_day_that_never_comes_is_forecast(world: World) -> None:
    more = "schedule: {hours: '09:00-17:00'}\nretry: {dayparts: [morning, evening]}\n"
    loaded = _sales(new_name(), f"phone: '+12125551234', {SIGNED}", more=more)
    launched = await launch_campaign(world.ctx, loaded)
    assert launched.never == ()
    ((count, reason),) = launched.end_early
    assert count == 1
    assert reason.startswith("attempt 2: no calling window opens")
    assert "in the evening" in reason
    checked = check_roster(loaded)
    expected = forecast(loaded.definition, checked.kinds, world.ctx.clock())
    assert expected.end_early() == list(launched.end_early)


async def test_a_risk_that_names_no_rule_is_refused(world: World) -> None:
    risk = "accept_risk: [{rule: US-FL.horus, reason: a slip of the pen}]\n"
    loaded = _sales(new_name(), f"phone: '+13055551234', {SIGNED}", more=risk)
    with pytest.raises(DefinitionInvalid, match=r"accept_risk\[0\].rule: found 'US-FL.horus'"):
        await launch_campaign(world.ctx, loaded)
