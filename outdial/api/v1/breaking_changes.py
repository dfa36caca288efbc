"""Changes of an OpenAPI document that break its clients, by the rules of oasdiff's errors.

A client sends what the document allowed when it was generated, and reads what was promised then. So
a request may only accept more, and a response may only promise more. Values added to an enumeration
of responses are let through: clients are to read unknown ones as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

_LOWEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems")
_ANY: Json = {}


@dataclass(frozen=True)
class Reader:
    """Compares schemas of two documents in one direction."""

    before: Json
    after: Json
    sent: bool
    """By the client. Else it is read by the client."""


def breaking_changes(before: Json, after: Json) -> list[str]:
    """What of the second document breaks clients of the first, one sentence each."""
    return [
        *_operations(before, after),
        *_webhooks(before, after),
        *_removed_schemas(before, after),
    ]


def _operations(before: Json, after: Json) -> Iterator[str]:
    for path, methods in before["paths"].items():
        for method, operation in methods.items():
            place = f"{method.upper()} {path}"
            now = after["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{place}: removed"
                continue
            if operation.get("operationId") != now.get("operationId"):
                yield (
                    f"{place}: operation id {operation.get('operationId')} "
                    f"is {now.get('operationId')}"
                )
            yield from _parameters(Reader(before, after, sent=True), place, operation, now)
            yield from _bodies(Reader(before, after, sent=True), place, operation, now)
            yield from _responses(Reader(before, after, sent=False), place, operation, now)


def _webhooks(before: Json, after: Json) -> Iterator[str]:
    reader = Reader(before, after, sent=False)
    for name, webhook in before.get("webhooks", {}).items():
        now = after.get("webhooks", {}).get(name)
        if now is None:
            yield f"webhook {name}: removed"
        else:
            schemas = [
                _content(each["post"]["requestBody"])["application/json"] for each in (webhook, now)
            ]
            yield from _schema(reader, f"webhook {name}", *(each["schema"] for each in schemas))


def _removed_schemas(before: Json, after: Json) -> Iterator[str]:
    """Generated clients have a class of each."""
    for name in before["components"]["schemas"].keys() - after["components"]["schemas"].keys():
        yield f"schema {name}: removed"


def _parameters(reader: Reader, place: str, before: Json, after: Json) -> Iterator[str]:
    old, new = (
        {(p["in"], p["name"]): p for p in each.get("parameters", [])} for each in (before, after)
    )
    for key, parameter in old.items():
        where = f"{place}: {key[0]} parameter {key[1]}"
        if key not in new:
            yield f"{where}: removed"
        else:
            if new[key].get("required") and not parameter.get("required"):
                yield f"{where}: is required now"
            yield from _schema(reader, where, parameter["schema"], new[key]["schema"])
    for key in new.keys() - old.keys():
        if new[key].get("required"):
            yield f"{place}: {key[0]} parameter {key[1]}: new, and required"


def _bodies(reader: Reader, place: str, before: Json, after: Json) -> Iterator[str]:
    old, new = before.get("requestBody"), after.get("requestBody")
    if new is not None and new.get("required") and not (old or {}).get("required"):
        yield f"{place}: the body is required now"
    if old is None:
        return
    if new is None:
        yield f"{place}: the body is removed"
        return
    yield from _media_types(reader, f"{place}: body", old, new)


def _responses(reader: Reader, place: str, before: Json, after: Json) -> Iterator[str]:
    for status, response in before["responses"].items():
        if not status.startswith("2"):
            continue
        now = after["responses"].get(status)
        if now is None:
            yield f"{place}: response {status} is removed"
            continue
        yield from _media_types(reader, f"{place}: response {status}", response, now)
        for header in response.get("headers", {}).keys() - now.get("headers", {}).keys():
            yield f"{place}: response {status}: header {header} is removed"


def _media_types(reader: Reader, place: str, before: Json, after: Json) -> Iterator[str]:
    for kind, content in _content(before).items():
        if kind not in _content(after):
            yield f"{place}: {kind} is removed"
        else:
            new = _content(after)[kind]
            yield from _schema(reader, place, content.get("schema", _ANY), new.get("schema", _ANY))


def _content(of: Json) -> Json:
    content: Json = of.get("content", {})
    return content


# --- schemas --------------------------------------------------------------------------------------


def _schema(
    reader: Reader,
    place: str,
    before: Any,
    after: Any,
    passed: frozenset[tuple[str, str]] = frozenset(),
) -> Iterator[str]:
    """Changes of one schema and of those below it; `passed` are the pairs of references above."""
    names = (_name(before), _name(after))
    if names[0] and names[1]:
        if names in passed:
            return
        passed |= {(names[0], names[1])}
    old, new = _resolved(reader.before, before), _resolved(reader.after, after)
    if "anyOf" in old or "anyOf" in new:
        yield from _alternatives(reader, place, old, new, passed)
        return
    yield from _types(reader, place, old, new)
    yield from _values(reader, place, old, new)
    if reader.sent:
        yield from _bounds(place, old, new)
    yield from _below(reader, place, old, new, passed)


def _name(schema: Any) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2] if isinstance(schema, Mapping) else ""


def _resolved(document: Json, schema: Any) -> Json:
    if not isinstance(schema, Mapping):  # `true` allows anything
        return _ANY
    name = _name(schema)
    return document["components"]["schemas"][name] if name else schema


def _kinds(schema: Json) -> frozenset[str]:
    """Its types; empty for any."""
    kind = schema.get("type")
    return frozenset([kind] if isinstance(kind, str) else kind or ())


def _types(reader: Reader, place: str, old: Json, new: Json) -> Iterator[str]:
    before, after = _kinds(old), _kinds(new)
    narrower, wider = (before, after) if reader.sent else (after, before)
    fits = not wider or (narrower and all(_admitted(kind, wider) for kind in narrower))
    if not fits:
        words = ["/".join(sorted(kinds)) or "any" for kinds in (before, after)]
        yield f"{place}: type {words[0]} is {words[1]}"


def _admitted(kind: str, among: frozenset[str]) -> bool:
    return kind in among or (kind == "integer" and "number" in among)


def _choices(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _values(reader: Reader, place: str, old: Json, new: Json) -> Iterator[str]:
    before, after = _choices(old), _choices(new)
    if reader.sent and after is not None:
        if before is None:
            yield f"{place}: only some values are accepted now"
        else:
            yield from (
                f"{place}: value {each!r} is removed" for each in before if each not in after
            )
    if not reader.sent and before is not None and after is None:
        yield f"{place}: any value may be returned now"


def _bounds(place: str, old: Json, new: Json) -> Iterator[str]:
    for bounds, narrower in ((_LOWEST, max), (_HIGHEST, min)):
        for bound in bounds:
            if bound in new and (
                bound not in old or narrower(old[bound], new[bound]) != old[bound]
            ):
                yield f"{place}: {bound} {old.get(bound, 'none')} is {new[bound]}"
    for exact in _EXACT:
        if new.get(exact) is not None and new.get(exact) != old.get(exact):
            yield f"{place}: {exact} {old.get(exact, 'none')} is {new[exact]}"


def _alternatives(
    reader: Reader, place: str, old: Json, new: Json, passed: frozenset[tuple[str, str]]
) -> Iterator[str]:
    """Each alternative that a client may send is still accepted; none that it reads is new."""
    before, after = _members(old), _members(new)
    needed, offered = (before, after) if reader.sent else (after, before)
    for key, schema in needed.items():
        if key not in offered:
            word = "is not accepted any more" if reader.sent else "may be returned now"
            yield f"{place}: {key} {word}"
            continue
        pair = (schema, offered[key]) if reader.sent else (offered[key], schema)
        yield from _schema(reader, place, *pair, passed)


def _members(schema: Json) -> dict[str, Any]:
    """The alternatives, by reference or type; those of one type are told apart by their order."""
    members: dict[str, Any] = {}
    for each in schema.get("anyOf") or [schema]:
        key = _name(each) or "/".join(sorted(_kinds(each))) or "any"
        while key in members:
            key += "'"
        members[key] = each
    return members


def _below(
    reader: Reader, place: str, old: Json, new: Json, passed: frozenset[tuple[str, str]]
) -> Iterator[str]:
    yield from _properties(reader, place, old, new, passed)
    if "items" in old or "items" in new:
        pair = (old.get("items", _ANY), new.get("items", _ANY))
        yield from _schema(reader, f"{place}[]", *pair, passed)
    others = [each.get("additionalProperties", True) for each in (old, new)]
    if reader.sent and others[1] is False and others[0] is not False:
        yield f"{place}: other keys are refused now"
    elif all(isinstance(each, Mapping) for each in others):
        yield from _schema(reader, f"{place}.*", others[0], others[1], passed)


def _properties(
    reader: Reader, place: str, old: Json, new: Json, passed: frozenset[tuple[str, str]]
) -> Iterator[str]:
    before, after = old.get("properties", _ANY), new.get("properties", _ANY)
    required, now_required = set(old.get("required", ())), set(new.get("required", ()))
    for name, schema in before.items():
        where = f"{place}.{name}"
        if name not in after:
            yield f"{where}: removed"
            continue
        if reader.sent and name in now_required - required:
            yield f"{where}: is required now"
        if not reader.sent and name in required - now_required:
            yield f"{where}: may be left out now"
        yield from _schema(reader, where, schema, after[name], passed)
    if reader.sent:
        for name in (now_required - required) - before.keys():
            yield f"{place}.{name}: new, and required"
