"""Campaigns over HTTP, carried out by nobody: what is written down, and what is refused."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from tests.api.v1.conftest import Customer
from tests.services.world import NUMBERS, new_name


def definition(**changes: Any) -> dict[str, Any]:
    return {
        "name": new_name(),
        "purpose": "informational",
        "agent": "reminder",
        "schedule": {"hours": "00:00-24:00"},
        "recipients": [{"phone": number, "first_name": "Ada"} for number in NUMBERS],
    } | changes


async def test_from_json_and_from_yaml(us: Customer) -> None:
    document = definition()
    made = await us.http.post("/v1/campaigns", json=document)
    assert made.status_code == 201, made.text
    assert (made.json()["created"], made.json()["state"]) == (True, "running")
    again = await us.http.post("/v1/campaigns", json=document)
    assert (again.status_code, again.json()["created"]) == (201, False)
    yaml = f"name: {new_name()}\npurpose: informational\nagent: a\n"
    yaml += f'recipients: [{{phone: "{NUMBERS[0]}"}}]\n'
    other = await us.http.post(
        "/v1/campaigns", content=yaml, headers={"content-type": "application/yaml"}
    )
    assert other.status_code == 201, other.text
    listed = (await us.http.get("/v1/campaigns", params={"state": "running"})).json()["items"]
    assert [one["name"] for one in listed] == [document["name"], other.json()["name"]]
    stored = await us.http.get(f"/v1/campaigns/{document['name']}")
    assert stored.json()["progress"]["state"] == "running"
    assert stored.headers["etag"] == '"1"'


async def test_every_mistake_is_told_with_its_place(us: Customer) -> None:
    text = 'name: Bad Name\npurpose: selling\nagent: a\nrecipients: [{phone: "12"}]\nlien: x\n'
    answer = await us.http.post("/v1/campaigns", content=text)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_definition")
    places = {(one["field"], one["line"]) for one in answer.json()["errors"]}
    assert {("name", 1), ("purpose", 2), ("lien", 5)} <= places


async def test_a_budget_is_shown_and_refused_where_no_line_can_be_held_to_it(us: Customer) -> None:
    document = definition(budget={"most": "5 USD", "per_day": "2.50 USD"})
    made = await us.http.post("/v1/campaigns", json=document)
    assert made.status_code == 201, made.text
    stored = await us.http.get(f"/v1/campaigns/{document['name']}")
    budget = stored.json()["progress"]["budget"]
    shown = {key: budget[key] for key in ("most", "per_day", "per_person", "spent", "left")}
    assert shown == {
        "most": "5 USD", "per_day": "2.50 USD", "per_person": None, "spent": "0 USD",
        "left": "5 USD",
    }  # fmt: skip
    refused = await us.http.post("/v1/campaigns", json=definition(budget={"most": "5 EUR"}))
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == "budget.most"
    assert "line simulated is priced in USD" in error["message"]


async def test_no_file_of_this_machine_is_read(us: Customer) -> None:
    document = definition(recipients={"csv": "/etc/passwd"})
    answer = await us.http.post("/v1/campaigns", json=document)
    assert answer.status_code == 422
    assert "can't be read from here" in answer.json()["detail"]


async def test_an_idempotency_key_holds_for_campaigns(us: Customer) -> None:
    document, headers = definition(), {"idempotency-key": "launch-1"}
    first = await us.http.post("/v1/campaigns", json=document, headers=headers)
    second = await us.http.post("/v1/campaigns", json=document, headers=headers)
    assert second.text == first.text
    assert second.json()["created"] is True
    other = await us.http.post("/v1/campaigns", json=definition(), headers=headers)
    assert other.status_code == 409


async def test_results_as_json_and_csv(us: Customer) -> None:
    document = definition()
    await us.http.post("/v1/campaigns", json=document)
    path = f"/v1/campaigns/{document['name']}"
    listed = [person["phone"] for person in document["recipients"]]
    page = (await us.http.get(f"{path}/results")).json()
    assert [(one["phone"], one["state"]) for one in page["items"]] == [
        (phone, "waiting") for phone in listed
    ]
    answer = await us.http.get(f"{path}/results.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = list(csv.reader(answer.text.splitlines()))
    assert header[:3] == ["recipient", "phone", "recipient_state"]
    assert [row[1] for row in rows] == listed


async def test_a_report_of_a_launch(us: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    document = definition()
    await us.http.post("/v1/campaigns", json=document)
    path = f"/v1/campaigns/{document['name']}/report"
    answer = await us.http.get(path, params={"right": ["booked", "confirmed"]})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["launch"], report["funnel"]["enrolled"]) == (1, len(NUMBERS))
    assert report["right_outcomes"] == ["booked", "confirmed"]
    assert report["waiting"] == [{"state": "waiting", "reason": None, "people": len(NUMBERS)}]
    none = await us.http.get(path, params={"launch": 2})
    assert (none.status_code, none.json()["detail"]) == (404, "there is no launch '2'")
    monkeypatch.setattr("outdial.api.v1.routes.reports.MOST_ROWS", 2)
    refused = await us.http.get(path)
    assert (refused.status_code, refused.json()["code"]) == (422, "report_too_large")
    assert f"outdial report {document['name']}" in refused.json()["detail"]


async def test_what_a_campaign_waits_for(us: Customer) -> None:
    document = definition()
    await us.http.post("/v1/campaigns", json=document)
    answer = await us.http.get(f"/v1/campaigns/{document['name']}/waiting")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["state"], shown["decided"]) == ("running", len(NUMBERS))
    (group,) = shown["waiting"]
    assert group["people"] == len(NUMBERS)


async def test_what_there_is_not(us: Customer) -> None:
    for method, path in (
        ("GET", ""),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/stop"),
        ("GET", "/results"),
        ("GET", "/results.csv"),
        ("GET", "/explain?phone=%2B12025550123"),
        ("GET", "/report"),
        ("GET", "/waiting"),
    ):
        answer = await us.http.request(method, f"/v1/campaigns/nobody{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    body = {"recipients": [{"phone": NUMBERS[0]}]}
    added = await us.http.post("/v1/campaigns/nobody/recipients", json=body)
    assert added.status_code == 404
    nowhere = await us.http.get("/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    wrong = await us.http.put("/v1/calls")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("change", ["pause", "stop"])
async def test_a_retired_field_is_refused_with_its_current_name(us: Customer, change: str) -> None:
    answer = await us.http.post(f"/v1/campaigns/any/{change}", json={"because": "storm"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["detail"] == (
        "body.because: unknown key 'because', which is now reason; write reason"
    )
