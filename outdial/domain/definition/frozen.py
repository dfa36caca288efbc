"""Immutable values. A copy does not keep what was cached on the original."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue

Model = TypeVar("Model", bound=BaseModel)


def without_memory(copied: Model) -> Model:
    """The copy without what was cached on the original."""
    for name in copied.__dict__.keys() - type(copied).model_fields.keys():
        del copied.__dict__[name]
    return copied


class Frozen(BaseModel):
    """A part of a definition: a value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        return without_memory(super().model_copy(update=update, deep=deep))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """JSON Schema with defaults as they are written, such as 10m."""
        shown = handler(core_schema)
        properties = handler.resolve_ref_schema(shown).get("properties", {})
        for name, field in cls.model_fields.items():
            of = properties.get(field.alias or name, {})
            if of.get("default") is not None:
                of["default"] = _written_default(field)
        return shown


def _written_default(field: FieldInfo) -> Any:
    kind: Any = (
        Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    )
    return TypeAdapter(kind).dump_python(field.get_default(call_default_factory=True), mode="json")
