"""POST /v1/campaigns/plan: what a definition would do; nothing is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from outdial.domain.definition.fingerprint import PlanFingerprint
from outdial.intake.definition import LoadedDefinition
from outdial.resources.resources import Resources
from outdial.services.campaigns.plan_check import require_plan
from outdial.services.operations.reading import require_campaign
from outdial.store.campaign import campaigns
from tests.api.v1.conftest import Customer, bearer, new_key
from tests.services.world import NUMBERS, World, new_name

PATH = "/v1/campaigns/plan"


def definition(**changes: Any) -> dict[str, Any]:
    return {
        "name": new_name(),
        "purpose": "informational",
        "agent": "reminder",
        "schedule": {"hours": "00:00-24:00"},
        "recipients": [{"phone": number} for number in NUMBERS],
    } | changes


async def test_a_definition_is_planned(us: Customer) -> None:
    document = definition()
    answer = await us.http.post(PATH, json=document, params={"runs": 2})
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert plan["campaign"] == document["name"]
    assert (plan["now"]["people"], plan["never"]["people"]) == (len(NUMBERS), 0)
    assert plan["rehearsal"]["seeds"] == [1, 2]
    assert plan["windows"][0]["open_hours"] == 168
    again = await us.http.post(PATH, json=document, params={"runs": 0})
    assert (again.json()["id"], again.json()["rehearsal"]) == (plan["id"], None)
    stored = await us.http.get(f"/v1/campaigns/{document['name']}")
    assert stored.status_code == 404


async def test_numbers_suppressed_for_the_tenant_are_never_called(
    us: Customer, them: Customer
) -> None:
    listed = {"numbers": list(NUMBERS[:2]), "reason": "asked"}
    assert (await them.http.post("/v1/suppressions", json=listed)).is_success
    # Lines are the tenants' own, and each has one.
    ours = (await us.http.post(PATH, json=definition(), params={"runs": 0})).json()
    theirs = (await them.http.post(PATH, json=definition(), params={"runs": 0})).json()
    assert ours["never"]["people"] == 0
    assert [(r["code"], r["people"]) for r in theirs["never"]["reasons"]] == [("suppressed", 2)]


async def test_rejected_rows_are_shown_beside_the_others(us: Customer) -> None:
    people = [{"phone": NUMBERS[0]}, {"phone": "12"}, {"phone": NUMBERS[0]}]
    answer = await us.http.post(PATH, json=definition(recipients=people), params={"runs": 0})
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert (plan["recipients"], plan["rejected"]["rows"]) == (1, 2)
    assert plan["rejected"]["duplicates"] == 1
    nobody = await us.http.post(PATH, json=definition(recipients=people[1:2]))
    assert (nobody.status_code, nobody.json()["code"]) == (422, "invalid_definition")


async def test_a_key_may_plan_what_it_may_launch(api: httpx.AsyncClient, world: World) -> None:
    risk = {"accept_risk": [{"rule": "US.hours", "reason": "counsel looked at it"}]}
    for scopes, status in ((("campaigns:read",), 403), (("campaigns:write",), 403)):
        key = await new_key(world, scopes=scopes)
        answer = await api.post(PATH, json=definition(**risk), headers=bearer(key.text))
        assert (answer.status_code, answer.json()["code"]) == (status, "scope_missing")


async def test_a_plan_has_a_largest_size(us: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, and recipients of the campaign that goes on."""
    monkeypatch.setattr("outdial.api.planning.MOST_ROWS", 2 * len(NUMBERS) - 1)
    document = definition()
    assert (await us.http.post(PATH, json=document, params={"runs": 0})).status_code == 200
    assert (await us.http.post("/v1/campaigns", json=document)).status_code == 201
    refused = await us.http.post(PATH, json=document, params={"runs": 0})
    assert (refused.status_code, refused.json()["code"]) == (422, "plan_too_large")


async def test_no_file_of_this_machine_is_read(us: Customer) -> None:
    answer = await us.http.post(PATH, json=definition(recipients={"csv": "/etc/passwd"}))
    assert answer.status_code == 422
    assert "can't be read from here" in answer.json()["detail"]


async def test_a_launch_of_a_plan_that_is_stale_is_refused(us: Customer) -> None:
    document = definition()
    plan = (await us.http.post(PATH, json=document, params={"runs": 0})).json()
    other = document | {"agent": "other"}
    refused = await us.http.post("/v1/campaigns", json=other, params={"plan": plan["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_plan")
    made = await us.http.post("/v1/campaigns", json=document, params={"plan": plan["id"]})
    assert made.status_code == 201, made.text
    changed = (await us.http.post(PATH, json=other, params={"runs": 0})).json()
    assert changed["inputs"]["campaign"] == "1/1"
    assert [each["path"] for each in changed["changes"]["differences"]] == ["agent.id"]
    apply = f"/v1/campaigns/{document['name']}/apply"
    stale = await us.http.post(apply, json=other, params={"plan": plan["id"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_plan")
    assert changed["id"] in stale.json()["detail"], "the id that it has now"


async def test_a_plan_is_applied_to_the_revision_it_was_checked_at(
    us: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = definition()
    made = await us.http.post("/v1/campaigns", json=document)
    assert made.status_code == 201, made.text
    other = document | {"agent": "other"}
    plan = (await us.http.post(PATH, json=other, params={"runs": 0})).json()

    async def overtaken(ctx: Resources, loaded: LoadedDefinition, plan_id: str) -> PlanFingerprint:
        """Another revision commits as soon as the plan was checked."""
        made_of = await require_plan(ctx, loaded, plan_id)
        record = await require_campaign(ctx, loaded.definition.name)
        third = loaded.definition.model_copy(update={"description": "third"})
        await ctx.database.write(
            lambda s: campaigns.apply_definition(s, record.id, third, "", now=ctx.clock())
        )
        return made_of

    monkeypatch.setattr("outdial.api.v1.routes.revisions.require_plan", overtaken)
    apply = f"/v1/campaigns/{document['name']}/apply"
    refused = await us.http.post(apply, json=other, params={"plan": plan["id"]})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
