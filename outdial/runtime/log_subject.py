"""What entries of the log are about: the tenant, campaign and call of the request or the activity
that is carried out when they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_SUBJECT: ContextVar[Mapping[str, str]] = ContextVar("log_subject")
FIELDS = ("tenant", "campaign", "call")


def log_subject() -> Mapping[str, str]:
    """By field: what is carried out now is about."""
    return _SUBJECT.get({})


def log_about(**values: str | None) -> None:
    """Name what this task, and those that it starts, are about from now on."""
    _SUBJECT.set({**log_subject(), **{name: value for name, value in values.items() if value}})


@contextmanager
def logging_about(values: Mapping[str, str]) -> Iterator[None]:
    """Name what a block is about."""
    token = _SUBJECT.set({**log_subject(), **values})
    try:
        yield
    finally:
        _SUBJECT.reset(token)
