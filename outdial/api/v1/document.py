"""The OpenAPI document of /v1: what FastAPI writes, and what generators of clients need besides.

Operation ids are the routes' function names, so they are verb and noun, and stay when a path
changes. Schemas have the names of their classes, but for those of lower layers that mean something
else to a user of the API (`SCHEMA_NAMES`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from outdial.api.v1.examples import example_of
from outdial.api.v1.problems import Problem
from outdial.api.v1.refusals import STATUS_OF, WITH_BODY, example_problems, problem_response
from outdial.api.v1.webhooks import ANSWERS

TAGS: Mapping[str, str] = {
    "campaigns": "Launch and control campaigns, add recipients, and read results.",
    "plans": "What a definition would do, before it is launched or applied.",
    "revisions": "Change a campaign that runs, and go back.",
    "reports": "The figures of a launch.",
    "calls": "Single calls, and the calls of campaigns.",
    "people": "Everything about one telephone number, over all campaigns.",
    "contacts": "The directory of persons.",
    "agents": "Voice agents, under ids of your own.",
    "phone numbers": "Caller ids that calls may show.",
    "appointments": "Appointments that calls booked, or people entered.",
    "suppressions": "Numbers that must not be called.",
    "endpoints": "URLs that receive events as signed webhooks.",
    "deliveries": "The log of outgoing webhooks.",
    "lines": "Accounts at voice platforms: their state and limits.",
    "keys": "Keys to this API.",
    "log": "What people did: the operator log.",
    "webhooks": "Events that are sent to your endpoints.",
}
SCHEMA_NAMES: Mapping[str, str] = {
    "Agent": "CallAgent",
    "RegisteredAgent": "Agent",
    "LineView": "Line",
    "PlanDocument": "CampaignPlan",
    "InlineRecipient": "NewRecipient",
    "Progress": "CampaignProgress",
    "Action": "OperatorAction",
    "StagingKind": "LaunchKind",
    "EventKind": "CallEventKind",
    "GuardMetric": "CanaryMetric",
    "Effect": "DifferenceEffect",
    "ReasonText": "PlanReasonText",
    "CitedRule": "PlanRule",
    "DayHours": "PlanDay",
    "FinishBand": "PlanFinish",
    "ZoneHours": "PlanZoneHours",
    "CapUse": "PlanCap",
    "BlockedUntil": "PlanBlock",
    "RejectedPart": "PlanRejections",
    "RejectedProblem": "PlanRejection",
    "Answers": "ReportAnswers",
    "AttemptHour": "ReportAttemptHour",
    "BandComparison": "ReportComparison",
    "BandPlace": "ReportBandPlace",
    "Bucket": "ReportBucket",
    "CallbackFigures": "ReportCallbacks",
    "ComparedFigure": "ReportComparedFigure",
    "ComparedHour": "ReportComparedHour",
    "ComplianceSummary": "ReportCompliance",
    "Costs": "ReportCosts",
    "Durations": "ReportDurations",
    "Funnel": "ReportFunnel",
    "GroupFigures": "ReportGroup",
    "Hour": "ReportHour",
    "Named": "ReportNamedCount",
    "OutcomeFigures": "ReportOutcome",
    "Rate": "ReportRate",
    "Refusal": "ReportRefusal",
    "Waiting": "ReportWaiting",
}
"""Names of schemas whose classes other layers name for themselves."""
_PAGE = re.compile(r"Page_(\w+)_")
"""A generic page, as pydantic names it."""
_REFERENCE = "#/components/schemas/"
_SUCCESS = ("200", "201", "202")
_JSON = "application/json"


def operation_id(route: APIRoute) -> str:
    """The id of a route's operation: the name of its function."""
    return route.name


def build_document(app: FastAPI) -> dict[str, Any]:
    """The document of an application."""
    document = FastAPI.openapi(app)
    document["servers"] = [{"url": "/v1"}]
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schema = Problem.model_json_schema(ref_template=f"{_REFERENCE}{{model}}")
    schemas |= schema.pop("$defs") | {"Problem": schema}
    for webhook in document.get("webhooks", {}).values():
        webhook["post"]["responses"] = ANSWERS
    for _, operation in operations(document):
        operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
        if "requestBody" in operation:
            _without_null(operation["requestBody"])
            for code in WITH_BODY:
                status = STATUS_OF[code]
                operation["responses"].setdefault(str(status), problem_response(status, [code]))
    document = _renamed(document)
    _drop_object_defaults(document["components"]["schemas"])
    _drop_unused(document)
    document["components"]["examples"] = example_problems()
    _add_examples(document)
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the names of `SCHEMA_NAMES`."""
    schemas = document["components"]["schemas"]

    def named(name: str) -> str:
        page = _PAGE.fullmatch(name)
        return f"{named(page[1])}Page" if page else SCHEMA_NAMES.get(name, name)

    document["components"]["schemas"] = {
        named(name): {**schema, "title": named(name)}
        for name, schema in sorted(schemas.items(), key=lambda one: named(one[0]))
    }

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reference(key, each) for key, each in value.items()}
        return [renamed(each) for each in value] if isinstance(value, list) else value

    def reference(key: str, value: Any) -> Any:
        if key == "$ref" and isinstance(value, str) and value.startswith(_REFERENCE):
            return _REFERENCE + named(value.removeprefix(_REFERENCE))
        return renamed(value)

    result: dict[str, Any] = renamed(document)
    return result


def _without_null(body: dict[str, Any]) -> None:
    """A body that may be left out is not described as null, too: openapi-python-client would send
    what stands for its absence."""
    for content in body["content"].values():
        alternatives = content["schema"].get("anyOf", [])
        if len(alternatives) == 2 and {"type": "null"} in alternatives:
            [content["schema"]] = [each for each in alternatives if each != {"type": "null"}]


def _drop_object_defaults(value: Any) -> None:
    """Leave out defaults with keys: they repeat those of the keys below, and openapi-python-client
    leaves out every schema and operation that has one."""
    if isinstance(value, dict):
        if isinstance(value.get("default"), dict) and value["default"]:
            del value["default"]
        for each in value.values():
            _drop_object_defaults(each)


def _drop_unused(document: dict[str, Any]) -> None:
    """Remove schemas that nothing refers to, such as FastAPI's own of a refused field."""
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    waiting = [json.dumps({key: each for key, each in document.items() if key != "components"})]
    while waiting:
        text = waiting.pop()
        names = {name for name in schemas if f'"{_REFERENCE}{name}"' in text} - used
        used |= names
        waiting += [json.dumps(schemas[name]) for name in names]
    for name in set(schemas) - used:
        del schemas[name]


def _add_examples(document: dict[str, Any]) -> None:
    """Give every body in JSON an example: its own, else one that is made of its schema."""
    schemas = document["components"]["schemas"]
    bodies = [operation.get("requestBody", {}) for _, operation in operations(document)]
    bodies += [hook["post"]["requestBody"] for hook in document.get("webhooks", {}).values()]
    bodies += [
        response
        for _, operation in operations(document)
        for status, response in operation["responses"].items()
        if status in _SUCCESS
    ]
    for body in bodies:
        content = body.get("content", {}).get(_JSON)
        if content is not None and "example" not in content and "examples" not in content:
            content["example"] = example_of(content["schema"], schemas)
    for name, hook in document.get("webhooks", {}).items():
        hook["post"]["requestBody"]["content"][_JSON]["example"]["type"] = name
