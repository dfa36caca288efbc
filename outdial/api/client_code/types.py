"""JSON Schema as Python types."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

WIDTH = 100
_REFERENCE = "#/components/schemas/"
_PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
    "array": "list[Any]",
}
_FORMATS = {"date-time": "datetime", "date": "date"}


def python_type(schema: Any, *, read: bool) -> str:
    """The annotation of a value. One that is `read` may have words that are new since."""
    if not isinstance(schema, Mapping):
        return "Any"
    if "$ref" in schema:
        return reference(schema)
    if "const" in schema:
        return f"Literal[{schema['const']!r}]".replace("'", '"')
    if "enum" in schema:
        words = ", ".join(f'"{word}"' for word in schema["enum"])
        return f"Literal[{words}] | str" if read else f"Literal[{words}]"
    if "anyOf" in schema:
        return _union(python_type(each, read=read) for each in schema["anyOf"])
    kind = schema.get("type")
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"list[{python_type(schema['items'], read=read)}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"dict[str, {python_type(schema['additionalProperties'], read=read)}]"
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), "str")
    return _PLAIN.get(str(kind), "Any")


def _union(members: Iterator[str]) -> str:
    """Each once, None last."""
    parts = list(dict.fromkeys(part for each in members for part in _parts(each)))
    if "Any" in parts:
        return "Any"
    return " | ".join(
        [*(part for part in parts if part != "None"), *(["None"] if "None" in parts else [])]
    )


def _parts(annotation: str) -> list[str]:
    return annotation.split(" | ") if "[" not in annotation.split(" | ")[-1] else [annotation]


def reference(schema: Json) -> str:
    return str(schema["$ref"]).removeprefix(_REFERENCE)


def references(value: Any) -> Iterator[str]:
    """The names of all schemas that a part of the document refers to, at once or within."""
    if isinstance(value, Mapping):
        if str(value.get("$ref", "")).startswith(_REFERENCE):
            yield reference(value)
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def nullable(annotation: str) -> str:
    return (
        annotation
        if annotation in ("Any", "None") or annotation.endswith("None")
        else f"{annotation} | None"
    )


def identifier(name: str) -> str:
    plain = name.replace("-", "_").lower() if "-" in name else name
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def docstring(text: str, indent: int) -> list[str]:
    """Lines of a docstring, wrapped; lists keep their items."""
    space = " " * indent
    text = text.strip().replace("\\", "\\\\").replace('"""', "'''")
    if len(text) + indent + 6 <= WIDTH and "\n" not in text:
        return [f'{space}"""{text}"""']
    wrapped: list[str] = []
    for paragraph in text.split("\n\n"):
        filled = textwrap.wrap(" ".join(paragraph.split()), WIDTH - indent - 6)
        wrapped += [*([""] if wrapped else []), *filled]
    head, *rest = wrapped
    lines = [f'{space}"""{head}', *(f"{space}{line}".rstrip() for line in rest)]
    lines[-1] += '"""'
    return lines


_IMPORTED = (
    ("collections.abc", ("Mapping", "Sequence")),
    ("datetime", ("date", "datetime")),
    ("pathlib", ("Path",)),
    ("typing", ("Any", "Literal")),
)
_PYDANTIC = ("BaseModel", "ConfigDict", "Field")


def module_text(title: str, body: str, ours: Mapping[str, set[str]]) -> str:
    """A module: its title, the imports that its code needs, and the code. `ours` are the names that
    it needs of other modules of the client."""
    code = "\n".join(re.sub(r'""".*?"""', "", body, flags=re.DOTALL).splitlines())

    def used(module: str, names: Iterable[str]) -> list[str]:
        some = [name for name in names if re.search(rf"(?<![\w\"]){name}\b(?!:)", code)]
        return [f"from {module} import {', '.join(some)}"] if some else []

    standard = [line for module, names in _IMPORTED for line in used(module, names)]
    own = [f"from {name} import {', '.join(sorted(ours[name]))}" for name in sorted(ours)]
    groups = [["from __future__ import annotations"], standard, used("pydantic", _PYDANTIC), own]
    head = "\n\n".join("\n".join(group) for group in groups if group)
    return f'"""{title}"""\n\n{head}\n\n\n{body.rstrip()}\n'
