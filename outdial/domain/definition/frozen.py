"""Immutable values. A copy does not keep what was cached on the original."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict

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
