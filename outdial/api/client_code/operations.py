"""Writes the operations of `outdial.client`: a method of each, plain and awaited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from outdial.api.client_code.models import Models, module_of_tag
from outdial.api.client_code.types import (
    Json,
    docstring,
    identifier,
    module_text,
    nullable,
    python_type,
    references,
)

_JSON, _YAML, _FORM, _CSV = (
    "application/json",
    "application/yaml",
    "multipart/form-data",
    "text/csv",
)
_KEY, _MATCH = "Idempotency-Key", "If-Match"
_REPEATABLE = "x-repeatable"


class Method:
    """One operation as a method."""

    def __init__(self, verb: str, path: str, operation: Json) -> None:
        self._verb = verb.upper()
        self._path = path
        self._operation = operation
        self._content: Json = operation.get("requestBody", {}).get("content", {})
        parameters = operation.get("parameters", [])
        self._in_path = [p for p in parameters if p["in"] == "path"]
        self._in_query = [p for p in parameters if p["in"] == "query"]
        headers = {p["name"] for p in parameters if p["in"] == "header"}
        self._headers = [name for name in (_KEY, _MATCH) if name in headers]
        self._answers = {
            int(status): response.get("content", {})
            for status, response in operation["responses"].items()
            if status.startswith("2")
        }

    @property
    def named(self) -> set[str]:
        """The schemas that its signature names."""
        used = [self._operation.get("parameters", []), self._operation.get("requestBody", {})]
        return {name for part in (*used, list(self._answers.values())) for name in references(part)}

    def write(self, *, awaited: bool) -> list[str]:
        word, wait = ("async def", "await ") if awaited else ("def", "")
        name = self._operation["operationId"]
        lines = [f"    {word} {name}(", "        self,"]
        lines += [f"        {each}," for each in self._arguments()]
        lines += [f"    ) -> {self._returned()}:", *docstring(self._operation["description"], 8)]
        lines += [
            "        request = Request(",
            *(f"            {each}," for each in self._request()),
            "        )",
        ]
        return [*lines, f"        {self._send(wait)}", ""]

    def _arguments(self) -> Iterator[str]:
        for parameter in self._in_path:
            yield f"{identifier(parameter['name'])}: {python_type(parameter['schema'], read=False)}"
        if self._content:
            yield self._body_argument()
        optional = [*self._in_query, *self._headers, *([_FORM] if _FORM in self._content else [])]
        if optional:
            yield "*"
        if _FORM in self._content:
            yield "contacts: bytes | Path | None = None"
        for parameter in sorted(self._in_query, key=lambda each: not each.get("required", False)):
            kind = _accepting_more(python_type(parameter["schema"], read=False))
            default = "" if parameter.get("required") else " = None"
            name = identifier(parameter["name"])
            yield f"{name}: {kind if parameter.get('required') else nullable(kind)}{default}"
        if _KEY in self._headers:
            yield "idempotency_key: str | None = None"
        if _MATCH in self._headers:
            yield "if_match: str | int | None = None"

    def _body_argument(self) -> str:
        if _YAML in self._content:
            return "definition: Mapping[str, Any] | str"
        kind = python_type(self._content[_JSON]["schema"], read=False)
        if _CSV in self._content:
            kind = f"{kind} | str"
        required = self._operation["requestBody"].get("required", False)
        return f"body: {kind}" if required else f"body: {nullable(kind)} = None"

    def _request(self) -> Iterator[str]:
        yield f'"{self._verb}"'
        yield f'"{self._path}"'
        if self._in_path:
            yield f"parameters={_dictionary(self._in_path)}"
        if self._in_query:
            yield f"query={_dictionary(self._in_query)}"
        if self._content:
            yield "body=definition" if _YAML in self._content else "body=body"
        if _YAML in self._content:
            yield f'text_type="{_YAML}"'
        if _FORM in self._content:
            yield "contacts=contacts"
        if _KEY in self._headers:
            yield "idempotent=True"
            yield "idempotency_key=idempotency_key"
        if _MATCH in self._headers:
            yield "if_match=if_match"
        if not self._operation.get(_REPEATABLE, True):
            yield "at_most_once=True"

    def _kinds(self) -> dict[int, str]:
        return {
            status: python_type(content[_JSON]["schema"], read=True)
            for status, content in self._answers.items()
            if _JSON in content
        }

    def _returned(self) -> str:
        kinds = self._kinds()
        if kinds:
            return " | ".join(dict.fromkeys(kinds.values()))
        return "str" if any(_CSV in content for content in self._answers.values()) else "None"

    def _send(self, wait: str) -> str:
        kinds = self._kinds()
        if not kinds:
            text = self._returned() == "str"
            return (
                f"return {wait}self._send_for_text(request)"
                if text
                else f"{wait}self._send_for_nothing(request)"
            )
        [*several] = kinds.items()
        if len(several) == 1 and "|" not in several[0][1]:
            status, kind = several[0]
            return f"return {wait}self._send(request, {status}, {kind})"
        listed = ", ".join(f"{status}: {kind}" for status, kind in several)
        returned = self._returned()
        return (
            f"answer: {returned} = {wait}self._send_for_one_of(request, {{{listed}}})\n"
            "        return answer"
        )


def _accepting_more(kind: str) -> str:
    return kind.replace("list[", "Sequence[")


def _dictionary(parameters: list[Any]) -> str:
    pairs = ", ".join(f'"{each["name"]}": {identifier(each["name"])}' for each in parameters)
    return f"{{{pairs}}}"


def write_operations(document: Json, models: Models, *, awaited: bool) -> dict[str, str]:
    """The text of each module of operations, by its name."""
    by_tag: dict[str, list[Method]] = {}
    for path, methods in document["paths"].items():
        for verb, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(Method(verb, path, operation))
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    return {
        module_of_tag(tag): _module(tag, about[tag], methods, models, awaited=awaited)
        for tag, methods in by_tag.items()
    }


def class_of(tag: str, *, awaited: bool) -> str:
    name = "".join(word.capitalize() for word in tag.split())
    return f"{'Async' if awaited else ''}{name}"


def _module(tag: str, about: str, methods: list[Method], models: Models, *, awaited: bool) -> str:
    base = "AsyncSender" if awaited else "Sender"
    lines = [f"class {class_of(tag, awaited=awaited)}({base}):", *docstring(about, 4), ""]
    for method in methods:
        lines += method.write(awaited=awaited)
    body = "\n".join(lines)
    named = {name for method in methods for name in method.named if name in body}
    ours = models.modules_of(named)
    ours |= {"outdial.client.request": {"Request"}, "outdial.client.sending": {base}}
    how = ", awaited" if awaited else ""
    title = f"Operations of the API{how}: {tag}. Written by `make openapi`."
    return module_text(title, body, ours)


_ABOUT = {
    False: '''"""The client of a thread: each method returns the answer. Written by `make openapi`.

with Client("https://calls.example.com", key) as outdial:
    call = outdial.create_call(NewCall(to="+12125550143", agent="reminder"))
"""''',
    True: '''"""The client of an event loop: each method is awaited. Written by `make openapi`.

async with AsyncClient("https://calls.example.com", key) as outdial:
    call = await outdial.create_call(NewCall(to="+12125550143", agent="reminder"))
"""''',
}


def write_client(document: Json, *, awaited: bool) -> str:
    """The class that has the operations of all tags."""
    tags = {
        operation["tags"][0]: ""
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    room = f"outdial.client.{'async_operations' if awaited else 'operations'}"
    classes = {module_of_tag(tag): class_of(tag, awaited=awaited) for tag in sorted(tags)}
    lines = [_ABOUT[awaited], "", "from __future__ import annotations", ""]
    lines += [f"from {room}.{module} import {name}" for module, name in classes.items()]
    closing = "an `async with`, or close it by `aclose`" if awaited else "a `with`, or close it"
    return "\n".join(
        [
            *lines,
            "",
            "",
            f"class {'AsyncClient' if awaited else 'Client'}(",
            *(f"    {name}," for name in classes.values()),
            "):",
            f'    """Every operation of the API. Use it in {closing}."""',
            "",
        ]
    )
