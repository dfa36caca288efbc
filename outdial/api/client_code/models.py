"""Writes the models of `outdial.client`: a class of each schema, in a module of each tag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from outdial.api.client_code.types import (
    Json,
    docstring,
    identifier,
    module_text,
    nullable,
    python_type,
    references,
)

SHARED = "shared"
"""The module of what several tags have in common."""
PACKAGE = "outdial.client.models"


class Models:
    """The schemas of a document, and where the client has each."""

    def __init__(self, document: Json) -> None:
        self._schemas: Json = document["components"]["schemas"]
        tags: dict[str, set[str]] = {name: set() for name in self._schemas}
        read: set[str] = set()
        for tag, received, part in _uses(document):
            names = self._closure(references(part))
            read |= names if received else set()
            for name in names:
                tags[name].add(tag)
        self.read = read
        """What the client reads; the rest is only sent."""
        self.module_of: dict[str, str] = {
            name: used.pop() if len(used) == 1 and name != "Problem" else SHARED
            for name, used in tags.items()
        }
        for name in self._closure(n for n, module in self.module_of.items() if module == SHARED):
            self.module_of[name] = SHARED

    def _closure(self, names: Iterable[str]) -> set[str]:
        closed: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in closed:
                closed.add(name)
                waiting += references(self._schemas[name])
        return closed

    def modules_of(self, names: Iterable[str]) -> dict[str, set[str]]:
        """The modules to import these models from, with the names of each."""
        modules: dict[str, set[str]] = {}
        for name in names:
            modules.setdefault(f"{PACKAGE}.{self.module_of[name]}", set()).add(name)
        return modules

    def write(self) -> dict[str, str]:
        """The text of each module, by its name."""
        modules = sorted(set(self.module_of.values()))
        return {module: self._module(module) for module in modules}

    def _module(self, module: str) -> str:
        names = [name for name in self._ordered() if self.module_of[name] == module]
        body = "\n".join("\n".join([*self._definition(name), "", ""]) for name in names)
        needed = {each for name in names for each in references(self._schemas[name])}
        named = {name for name in needed if self.module_of[name] != module}
        title = f"Models of the API: {module.replace('_', ' ')}. Written by `make openapi`."
        return module_text(title, body, self.modules_of(named))

    def _ordered(self) -> list[str]:
        """What others refer to, first."""
        done: dict[str, None] = {}

        def visit(name: str, above: frozenset[str]) -> None:
            if name in done or name in above:
                return
            for each in sorted(set(references(self._schemas[name]))):
                visit(each, above | {name})
            done[name] = None

        for name in sorted(self._schemas):
            visit(name, frozenset())
        return list(done)

    def _definition(self, name: str) -> list[str]:
        schema, read = self._schemas[name], name in self.read
        about = schema.get("description", "")
        if "properties" not in schema:
            lines = [f"{name} = {python_type(schema, read=read)}"]
            return lines + (docstring(about, 0) if about else [])
        closed = not read and schema.get("additionalProperties") is False
        extra = "forbid" if closed else "allow"
        lines = [f"class {name}(BaseModel):"]
        lines += [*docstring(about, 4), ""] if about else []
        lines += [f'    model_config = ConfigDict(extra="{extra}", validate_by_name=True)', ""]
        required = set(schema.get("required", ()))
        for key, value in schema["properties"].items():
            lines += _field(key, value, key in required, read)
        return lines


def _field(key: str, schema: Any, required: bool, read: bool) -> list[str]:
    name, annotation = identifier(key), python_type(schema, read=read)
    alias = f'alias="{key}"' if name != key else ""
    if required:
        line = f"{name}: {annotation}" + (f" = Field({alias})" if alias else "")
    else:
        annotation, default = _optional(annotation, schema)
        if default.startswith("default_factory") or alias:
            written = default if default.startswith("default_factory") else f"default={default}"
            default = f"Field({', '.join(filter(None, (written, alias)))})"
        line = f"{name}: {annotation} = {default}"
    about = schema.get("description", "") if isinstance(schema, Mapping) else ""
    return [f"    {line}", *(docstring(about, 4) if about else [])]


def _optional(annotation: str, schema: Any) -> tuple[str, str]:
    """The annotation and the default of what may be left out. It is not sent unless it is set, so
    the default is for whoever reads the code."""
    default = schema.get("default") if isinstance(schema, Mapping) else None
    if isinstance(default, bool | int | float):
        return annotation, repr(default)
    if isinstance(default, str) and "date" not in annotation:
        return annotation, f'"{default}"'
    if default == [] and annotation.startswith("list["):
        return annotation, "default_factory=list"
    if default == {} and annotation.startswith("dict["):
        return annotation, "default_factory=dict"
    return nullable(annotation), "None"


def _uses(document: Json) -> Iterator[tuple[str, bool, Any]]:
    """Parts of the document that use schemas: their tag, and whether a client reads them."""
    for methods in document["paths"].values():
        for operation in methods.values():
            tag = module_of_tag(operation["tags"][0])
            yield tag, False, operation.get("requestBody", {})
            yield tag, False, operation.get("parameters", [])
            for response in operation["responses"].values():
                yield tag, True, response
    for webhook in document.get("webhooks", {}).values():
        yield "webhooks", True, webhook["post"]["requestBody"]


def module_of_tag(tag: str) -> str:
    return tag.replace(" ", "_")
