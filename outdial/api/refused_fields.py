"""What of a request could not be read: each field, and what would be right for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from outdial.domain.refusals import explain


@dataclass(frozen=True, slots=True)
class RefusedField:
    place: tuple[str, ...]
    """Begins with body, query, path or header."""
    message: str


def refused_fields(request: Request, error: RequestValidationError) -> Iterator[RefusedField]:
    """Everything that is wrong, in the order in which it was found."""
    model = _body_of(request)
    for details in error.errors():
        place, *path = details["loc"]
        yield RefusedField(
            tuple(str(step) for step in details["loc"]),
            explain(details, model if place == "body" else None, path),
        )


def _body_of(request: Request) -> type[BaseModel] | None:
    """The model that the route reads its body by."""
    field = getattr(request.scope.get("route"), "body_field", None)
    annotation = None if field is None else field.field_info.annotation
    # Of a body that may be left out, `Model | None`.
    models = [
        kind
        for kind in (annotation, *get_args(annotation))
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    return models[0] if models else None
