"""Which changes of the OpenAPI document break its clients."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.api.client_code.files import kept_document
from outdial.api.v1.breaking_changes import breaking_changes

DOCUMENT = kept_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
Document = dict[str, Any]


def changed(change: Callable[[Document], object]) -> list[str]:
    """What a change of our document breaks."""
    after = copy.deepcopy(DOCUMENT)
    change(after)
    return breaking_changes(DOCUMENT, after)


def schemas(document: Document) -> Document:
    named: Document = document["components"]["schemas"]
    return named


def operation(document: Document, path: str, method: str) -> Document:
    one: Document = document["paths"][path][method]
    return one


def new_call(document: Document) -> Document:
    properties: Document = schemas(document)["NewCall"]["properties"]
    return properties


def call(document: Document) -> Document:
    properties: Document = schemas(document)["Call"]["properties"]
    return properties


def limit(document: Document) -> Document:
    parameters = operation(document, "/calls", "get")["parameters"]
    found: Document = next(each for each in parameters if each["name"] == "limit")
    return found


def rename_progress(document: Document) -> None:
    named = schemas(document)
    named["Figures"] = named.pop("CampaignProgress")
    details = named["CampaignDetails"]["properties"]
    details["progress"] = {"$ref": "#/components/schemas/Figures"}


BREAKS: dict[str, tuple[Callable[[Document], object], str]] = {
    "path": (lambda d: d["paths"].pop("/calls"), "GET /calls: removed"),
    "method": (lambda d: d["paths"]["/calls"].pop("post"), "POST /calls: removed"),
    "id": (lambda d: operation(d, "/calls", "get").update(operationId="calls"), "operation id"),
    "parameter": (lambda d: operation(d, "/calls", "get")["parameters"].pop(0), "limit: removed"),
    "parameter required": (lambda d: limit(d).update(required=True), "limit: is required now"),
    "parameter bound": (lambda d: limit(d)["schema"].update(maximum=10), "maximum 1000 is 10"),
    "new parameter": (
        lambda d: operation(d, "/calls", "get")["parameters"].append(
            {"in": "query", "name": "zone", "required": True, "schema": {"type": "string"}}
        ),
        "zone: new, and required",
    ),
    "body": (lambda d: operation(d, "/calls", "post").pop("requestBody"), "the body is removed"),
    "media type": (
        lambda d: operation(d, "/campaigns", "post")["requestBody"]["content"].pop(
            "application/yaml"
        ),
        "application/yaml is removed",
    ),
    "sent property": (lambda d: new_call(d).pop("to"), "body.to: removed"),
    "sent type": (lambda d: new_call(d)["to"].update(type="integer"), "type string is integer"),
    "sent pattern": (lambda d: new_call(d)["to"].update(pattern="^1"), "pattern none is ^1"),
    "sent enum": (lambda d: new_call(d)["to"].update(enum=["a"]), "only some values"),
    "sent required": (
        lambda d: schemas(d)["NewCall"]["required"].append("line"),
        "line: is required now",
    ),
    "new and required": (
        lambda d: (
            new_call(d).update(zone={"type": "string"}),
            schemas(d)["NewCall"]["required"].append("zone"),
        ),
        "zone: new, and required",
    ),
    "no null": (
        lambda d: new_call(d)["line"]["anyOf"].pop(),
        "null is not accepted any more",
    ),
    "word": (lambda d: schemas(d)["Purpose"]["enum"].pop(), "value 'telemarketing' is removed"),
    "closed": (
        lambda d: schemas(d)["NewRecipient"].update(additionalProperties=False),
        "other keys are refused now",
    ),
    "response": (
        lambda d: operation(d, "/campaigns", "post")["responses"].pop("202"),
        "response 202 is removed",
    ),
    "response header": (
        lambda d: operation(d, "/campaigns", "post")["responses"]["202"]["headers"].pop("Location"),
        "header Location is removed",
    ),
    "read property": (lambda d: call(d).pop("origin"), "origin: removed"),
    "read type": (lambda d: call(d)["origin"].update(type="integer"), "origin: type string"),
    "read null": (
        lambda d: call(d).update(origin={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "null may be returned now",
    ),
    "read optional": (
        lambda d: schemas(d)["Call"]["required"].remove("origin"),
        "origin: may be left out now",
    ),
    "below a list": (lambda d: call(d).pop("to"), "response 200.items[].to: removed"),
    "webhook": (lambda d: d["webhooks"].pop("call.busy"), "webhook call.busy: removed"),
    "webhook data": (
        lambda d: schemas(d)["CallWebhookData"]["properties"].pop("outcome"),
        "webhook call.busy.data.outcome: removed",
    ),
    "schema": (
        rename_progress,
        "schema CampaignProgress: removed",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_it_breaks_clients(name: str) -> None:
    change, sentence = BREAKS[name]
    broken = changed(change)
    assert [one for one in broken if sentence in one], broken


HARMLESS: dict[str, Callable[[Document], object]] = {
    "nothing": lambda d: None,
    "new path": lambda d: d["paths"].update({"/zones": d["paths"]["/calls"]}),
    "new parameter": lambda d: operation(d, "/calls", "get")["parameters"].append(
        {"in": "query", "name": "zone", "schema": {"type": "string"}}
    ),
    "wider bound": lambda d: limit(d)["schema"].update(maximum=5000),
    "new sent property": lambda d: new_call(d).update(zone={"type": "string"}),
    "sent null": lambda d: new_call(d).update(to={"anyOf": [new_call(d)["to"], {"type": "null"}]}),
    "sent optional": lambda d: schemas(d)["NewCall"]["required"].clear(),
    "more words": lambda d: schemas(d)["Purpose"]["enum"].append("survey"),
    "more read words": lambda d: schemas(d)["CallStatus"]["enum"].append("held"),
    "new read property": lambda d: call(d).update(zone={"type": "string"}),
    "no null read": lambda d: call(d)["outcome"]["anyOf"].pop(),
    "new media type": lambda d: operation(d, "/calls", "post")["requestBody"]["content"].update(
        {"application/cbor": {}}
    ),
    "other words": lambda d: call(d)["origin"].update(description="whatever", title="Whatever"),
    "another example": lambda d: operation(d, "/calls", "post").update(summary="Dial"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_it_breaks_nobody(name: str) -> None:
    assert changed(HARMLESS[name]) == []


READ = sorted(
    name
    for name in ("Call", "Campaign", "Contact", "Endpoint", "Line", "Revision")
    if name in SCHEMAS
)


@given(st.data())
def test_a_property_that_is_read_may_come_but_not_go(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(READ))
    key = data.draw(st.sampled_from(sorted(SCHEMAS[name]["properties"])))
    after = copy.deepcopy(DOCUMENT)
    del schemas(after)[name]["properties"][key]
    gone = breaking_changes(DOCUMENT, after)
    assert any(f".{key}: removed" in one for one in gone)
    assert not any(f".{key}: removed" in one for one in breaking_changes(after, DOCUMENT))
