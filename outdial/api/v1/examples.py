"""Examples for the OpenAPI document: made of a schema, with values as they are in practice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_ID = "0c5b6d3e-7a34-4d0f-9c3c-2f4b8f1f9a11"
_VALUES: Mapping[str, Any] = {
    "after": "09:00-20:00",
    "agent": "reminder",
    "agent_name": "Reminder",
    "author": "key booking-service",
    "before": "09:00-18:00",
    "calendar": "clinic",
    "call_id": _ID,
    "caller_id": "+12125550100",
    "campaign": "spring-checkups",
    "code": None,
    "contact_id": "con_7f2c",
    "contact_name": "Ana Ruiz",
    "context": {"order": "4711"},
    "cost": 0.09,
    "currency": "USD",
    "detail": None,
    "disposition": "confirmed",
    "duration_seconds": 41.5,
    "email": "ana@example.com",
    "endpoint": "ep_4d21",
    "endpoint_id": "ep_4d21",
    "error": None,
    "event_id": "evt_3f6a",
    "events": ["call.completed"],
    "failure": None,
    "field": "recipients.0.phone",
    "file": "contacts.csv",
    "first_name": "Ana",
    "from": "+12125550100",
    "hours": "09:00-18:00",
    "id": _ID,
    "jurisdiction": "US-NY",
    "key": "od_9f3c…",
    "last_call": _ID,
    "last_error": None,
    "last_name": "Ruiz",
    "line": "main",
    "lines": ["main"],
    "message": "found '555'; write the number with + and country code",
    "metadata": {"source": "import"},
    "name": "spring-checkups",
    "next_cursor": None,
    "outcome": "confirmed",
    "path": "schedule.hours",
    "payload": '{"type":"test","timestamp":"2030-01-31T15:00:00Z","data":{}}',
    "phone": "+12125550143",
    "provider": "twilio",
    "reason": None,
    "recording_url": "https://example.com/recordings/1.mp3",
    "scheme": "standard",
    "scopes": ["calls:write", "contacts:read"],
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "source": "key booking-service",
    "state": None,
    "structured": {"confirmed": True},
    "subject": f"call/{_ID}",
    "tags": ["patients"],
    "tenant": "default",
    "time_zone": "America/New_York",
    "title": "Checkup",
    "to": "+12125550143",
    "transcript": "agent: Hello Ana.\nperson: Hello.",
    "type": "call.completed",
    "url": "https://example.com/hooks/outdial",
    "variables": {"first_name": "Ana", "at": "10:30"},
    "zone": "America/New_York",
}
"""By the name of a property. None: null where that is allowed, else by the type."""
_INSTANT = "2030-01-31T15:00:00Z"
_DEEPEST = 12


def example_of(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    """A value that a schema allows; `schemas` are those that it may refer to."""
    return _example(schema, schemas, name, 0)


def _example(schema: Schema, schemas: Mapping[str, Schema], name: str, depth: int) -> Any:
    if "$ref" in schema:
        schema = {**schemas[schema["$ref"].rpartition("/")[2]]}
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices is not None:
        return _choice(choices, schemas, name, depth)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return {
            key: _example(below, schemas, key, depth + 1)
            for key, below in schema["properties"].items()
        }
    value = _VALUES.get(name)
    items = schema.get("items", {})
    fits = value is not None and _is(value, kind)
    if fits and "$ref" not in items and items.get("type", "string") == "string":
        return value
    if kind == "array":
        few = depth < _DEEPEST
        return [_example(items, schemas, name, depth + 1)] if few else []
    return _plain(schema, name)


def _choice(choices: list[Schema], schemas: Mapping[str, Schema], name: str, depth: int) -> Any:
    nullable = {"type": "null"} in choices
    if nullable and (depth >= _DEEPEST or (name in _VALUES and _VALUES[name] is None)):
        return None
    first = next(each for each in choices if each != {"type": "null"})
    return _example(first, schemas, name, depth)


def _is(value: Any, kind: Any) -> bool:
    names = {str: "string", bool: "boolean", list: "array", dict: "object"}
    if type(value) in names:
        return bool(names[type(value)] == kind)
    return kind in ("number", "integer")


def _plain(schema: Schema, name: str) -> Any:
    kind, least = schema.get("type"), schema.get("minimum", 0)
    if kind == "string":
        if schema.get("format") == "date-time":
            return _INSTANT
        return "2030-01-31" if schema.get("format") == "date" else name.replace("_", " ")
    if kind in ("integer", "number"):
        return max(least, 1)
    if kind == "boolean":
        return bool(schema.get("default", False))
    if kind == "object":
        below = schema.get("additionalProperties")
        typed = isinstance(below, Mapping) and below.get("type") in ("integer", "number")
        return {"completed": 1} if typed else {}
    return None
