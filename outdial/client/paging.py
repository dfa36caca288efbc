"""All items of a list, over its pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Item_co = TypeVar("Item_co", covariant=True)
Item = TypeVar("Item")


class PageOf(Protocol[Item_co]):
    """What operations that list something return."""

    @property
    def items(self) -> Sequence[Item_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


def every(operation: Callable[..., PageOf[Item]], *path: str, **filters: Any) -> Iterator[Item]:
    """Every item: `for call in every(outdial.list_calls, campaign="spring-checkups")`."""
    cursor: str | None = None
    while True:
        page = operation(*path, **filters, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


async def every_awaited(
    operation: Callable[..., Awaitable[PageOf[Item]]], *path: str, **filters: Any
) -> AsyncIterator[Item]:
    """Every item: `async for call in every_awaited(outdial.list_calls, to="+12125550143")`."""
    cursor: str | None = None
    while True:
        page = await operation(*path, **filters, cursor=cursor)
        for item in page.items:
            yield item
        cursor = page.next_cursor
        if cursor is None:
            return
