"""The application, built once and used again by the next test: reading the routes of all doors
takes FastAPI a quarter of a second, whatever stands behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from fastapi import FastAPI

from outdial.api.app import build_app
from outdial.api.state import ApiState

Opened = Callable[[], AbstractAsyncContextManager[ApiState]]


class _Application:
    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.app = build_app(lambda: self.opened())


_idle: list[_Application] = []


@contextmanager
def application(opened: Opened) -> Iterator[FastAPI]:
    """The application with the usual policy over whatever `opened` gives; nobody else's for as
    long."""
    one = _idle.pop() if _idle else _Application(opened)
    one.opened = opened
    try:
        yield one.app
    finally:
        _idle.append(one)
