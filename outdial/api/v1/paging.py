"""Paging: a limit, and a cursor that encodes the last item of the previous page."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from outdial.domain.bounds import parse_json
from outdial.services.errors import RequestRefused

Item = TypeVar("Item")
Found = TypeVar("Found")

Limit = Annotated[int, Query(ge=1, le=1000, description="The largest number of items in a page.")]
Cursor = Annotated[
    str | None,
    Query(max_length=500, description="`next_cursor` of the previous page; none for the first."),
]
PAGE = 50


class Page(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = None
    """The cursor of the next page; null on the last page."""


def page_of(
    rows: Sequence[Found],
    limit: int,
    show: Callable[[Found], Item],
    position: Callable[[Found], list[Any]],
) -> Page[Item]:
    """A page of rows that were read with a limit of one more."""
    some = rows[:limit]
    more = len(rows) > limit and some
    return Page(
        items=[show(one) for one in some],
        next_cursor=write_cursor(position(some[-1])) if more else None,
    )


def write_cursor(position: list[Any]) -> str:
    text = json.dumps(position, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The values that a cursor encodes, of these types. Raises RequestRefused."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = parse_json(base64.urlsafe_b64decode(padded.encode("ascii")))
    except ValueError:
        values = None
    good = isinstance(values, list) and len(values) == len(kinds)
    if not good or not all(type(v) is kind for v, kind in zip(values, kinds, strict=True)):
        raise RequestRefused("invalid cursor: use `next_cursor` of a response, or leave it out")
    return list(values)
