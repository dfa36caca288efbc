"""Changing a campaign over HTTP while nobody carries it out: what is stored and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.v1.conftest import Customer, bearer, new_key
from tests.api.v1.test_campaigns import definition
from tests.services.world import NUMBERS, World
from tests.waiting import until


@pytest.fixture
async def launched(us: Customer, world: World) -> dict[str, Any]:
    """The definition of a campaign that is stored as running, and has no workflow."""
    document = definition()
    await us.http.post("/v1/campaigns", json=document)
    workflow = f"campaign/default/{document['name']}"
    await world.ctx.temporal.get_workflow_handle(workflow).terminate()
    return document


async def test_a_change_its_history_and_the_way_back(
    us: Customer, launched: dict[str, Any]
) -> None:
    path = f"/v1/campaigns/{launched['name']}"
    changed = launched | {"pacing": {"max_concurrent": 3}}
    applied = await us.http.post(f"{path}/apply", json=changed, params={"reason": "faster"})
    assert applied.status_code == 200, applied.text
    answer = applied.json()
    assert (answer["before"], answer["revision"], answer["changed"]) == (1, 2, True)
    assert answer["differences"] == [
        {
            "path": "pacing.max_concurrent",
            "before": "10",
            "after": "3",
            "effect": "next_claim",
        }
    ]
    assert answer["roster"] == {"added": 0, "changed": 0, "same": 3, "removed": 0, "missing": 0}
    again = (await us.http.post(f"{path}/apply", json=changed)).json()
    assert (again["changed"], again["revision"]) == (False, 2)
    difference = await us.http.get(f"{path}/diff", params={"before": 2, "after": 1})
    assert [(each["before"], each["after"]) for each in difference.json()] == [("3", "10")]
    back = await us.http.post(f"{path}/rollback", json={"reason": "too fast"})
    assert (back.json()["revision"], back.json()["differences"][0]["after"]) == (3, "10")
    page = (await us.http.get(f"{path}/revisions", params={"limit": 2})).json()
    assert [(one["revision"], one["reason"], one["restores"]) for one in page["items"]] == [
        (3, "too fast", 1),
        (2, "faster", None),
    ]
    assert {one["author"] for one in page["items"]} == {"key test"}
    rest = await us.http.get(f"{path}/revisions", params={"cursor": page["next_cursor"]})
    assert [one["revision"] for one in rest.json()["items"]] == [1]


async def test_people_are_added_and_removed(us: Customer, launched: dict[str, Any]) -> None:
    path = f"/v1/campaigns/{launched['name']}"
    changed = launched | {"recipients": [{"phone": NUMBERS[0]}, {"phone": "+12025550177"}]}
    counts = []
    for recipients in ("keep", "add", "match"):
        answer = await us.http.post(
            f"{path}/apply", json=changed, params={"recipients": recipients}
        )
        assert answer.status_code == 200, answer.text
        roster = answer.json()["roster"]
        counts.append((roster["added"], roster["removed"], roster["missing"]))
    assert counts == [(0, 0, 0), (1, 0, 2), (0, 2, 2)]
    results = (await us.http.get(f"{path}/results")).json()["items"]
    assert {one["phone"]: one["state"] for one in results} == {
        NUMBERS[0]: "waiting",
        NUMBERS[1]: "done",
        NUMBERS[2]: "done",
        "+12025550177": "waiting",
    }


async def test_a_contact_file_by_upload(us: Customer, launched: dict[str, Any]) -> None:
    path = f"/v1/campaigns/{launched['name']}"
    yaml = (
        f"name: {launched['name']}\npurpose: informational\nagent: other\n"
        'schedule: {hours: "00:00-24:00"}\nrecipients: {csv: contacts}\n'
    )
    form = {
        "definition": ("c.yaml", yaml, "application/yaml"),
        "contacts": ("c.csv", f"phone\n{NUMBERS[0]}\n+12025550177\n", "text/csv"),
    }
    accepted = await us.http.post(f"{path}/apply", files=form, params={"recipients": "match"})
    assert accepted.status_code == 202, accepted.text

    async def applied() -> bool:
        shown = (await us.http.get(accepted.headers["location"])).json()
        assert shown["state"] not in ("refused", "failed"), shown
        results = (await us.http.get(f"{path}/results")).json()["items"]
        states = {one["phone"]: one["state"] for one in results}
        return states.get("+12025550177") == "waiting" and states[NUMBERS[1]] == "done"

    await until(applied)
    page = (await us.http.get(f"{path}/revisions")).json()
    assert [(one["revision"], one["added"], one["removed"]) for one in page["items"]] == [
        (2, 1, 2),
        (1, 0, 0),
    ]


async def test_only_from_the_expected_revision(us: Customer, launched: dict[str, Any]) -> None:
    path = f"/v1/campaigns/{launched['name']}"
    changed = launched | {"agent": "other"}
    headers = {"if-match": '"1"'}
    assert (await us.http.post(f"{path}/apply", json=changed, headers=headers)).status_code == 200
    late = await us.http.post(f"{path}/apply", json=launched, headers=headers)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    late = await us.http.post(f"{path}/rollback", headers=headers)
    assert late.status_code == 412


async def test_what_is_immutable_is_refused_with_its_place(
    us: Customer, launched: dict[str, Any]
) -> None:
    path = f"/v1/campaigns/{launched['name']}"
    for changes, field in (({"purpose": "telemarketing"}, "purpose"), ({"name": "other"}, "name")):
        answer = await us.http.post(f"{path}/apply", json=launched | changes)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_definition")
        assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_key_may_not_apply_more_than_it_may_launch(
    us: Customer, api: httpx.AsyncClient, world: World, launched: dict[str, Any]
) -> None:
    path = f"/v1/campaigns/{launched['name']}"
    risky = launched | {"accept_risk": [{"rule": "US-FL.hours", "reason": "existing customers"}]}
    for scopes, document in ((("campaigns:read",), launched), (("campaigns:write",), risky)):
        key = await new_key(world, scopes=scopes)
        answer = await api.post(f"{path}/apply", json=document, headers=bearer(key.text))
        assert answer.status_code == 403


async def test_what_there_is_not(us: Customer, them: Customer, launched: dict[str, Any]) -> None:
    assert (await us.http.post("/v1/campaigns/nobody/apply", json=launched)).status_code == 404
    path = f"/v1/campaigns/{launched['name']}"
    for method, where in (
        ("GET", "/revisions"),
        ("GET", "/diff?before=1&after=1"),
        ("POST", "/rollback"),
    ):
        assert (await them.http.request(method, f"{path}{where}")).status_code == 404
    assert (await us.http.get(f"{path}/diff?before=1&after=9")).status_code == 404
    assert (await us.http.post(f"{path}/rollback", json={"revision": 9})).status_code == 404


async def test_a_launch_of_a_changed_definition_says_what_differs(
    us: Customer, launched: dict[str, Any]
) -> None:
    again = await us.http.post("/v1/campaigns", json=launched | {"agent": "other"})
    assert again.json()["created"] is False
    assert [one["path"] for one in again.json()["differences"]] == ["agent.id"]


async def test_a_canary(us: Customer, them: Customer, world: World) -> None:
    document = definition() | {
        "recipients": [{"phone": f"+12025550{n:03}"} for n in range(100, 190)]
    }
    await us.http.post("/v1/campaigns", json=document)
    path = f"/v1/campaigns/{document['name']}"
    workflow = f"campaign/default/{document['name']}"
    await world.ctx.temporal.get_workflow_handle(workflow).terminate()
    assert (await us.http.get(f"{path}/canary")).status_code == 404
    tried = document | {"agent": "other"}
    for share, status, code in (("0.5", 422, None), ("5", 409, "change_refused")):
        refused = await us.http.post(f"{path}/apply", json=tried, params={"canary": share})
        assert refused.status_code == status, refused.text
        assert code is None or refused.json()["code"] == code
    begun = (await us.http.post(f"{path}/apply", json=tried, params={"canary": "50"})).json()
    assert (begun["changed"], begun["revision"], begun["canary"]["revision"]) == (True, 1, 2)
    other = await us.http.post(f"{path}/apply", json=document | {"agent": "third"})
    assert (other.status_code, other.json()["code"]) == (409, "change_refused")
    assert (await us.http.post(f"{path}/rollback")).json()["revision"] == 3
    shown = (await us.http.get(f"{path}/canary")).json()
    assert (shown["state"], shown["share"]) == ("rolled_back", 0.5)
    assert {one["metric"] for one in shown["evidence"]} == {
        "answer_rate",
        "opt_outs",
        "failures",
        "cost_per_outcome",
    }
    assert (await them.http.get(f"{path}/canary")).status_code == 404
