"""Credentials and options of a line, checked when its adapter is built."""

from __future__ import annotations

from outdial.providers.errors import Misconfigured
from outdial.providers.port import LineConfig


def required_credential(line: LineConfig, key: str) -> str:
    """A credential that a line can't do without.

    Raises Misconfigured when it is missing, or no HTTP header could carry it.
    """
    value = line.credentials.get(key, "")
    if not value:
        raise Misconfigured(
            f'line {line.name}: credentials.{key} is missing; write {key} = "env:NAME"', code=key
        )
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        raise Misconfigured(
            f"line {line.name}: credentials.{key} has characters that no HTTP header can carry",
            code=key,
        )
    return value


def text_option(line: LineConfig, key: str) -> str | None:
    """An option that is text; None when it is not set.

    Raises Misconfigured when it is something else.
    """
    value = line.options.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise Misconfigured(
            f"line {line.name}: options.{key} is {type(value).__name__}, and should be text",
            code=key,
        )
    return value


def required_option(line: LineConfig, key: str) -> str:
    """An option that is text and has to be set.

    Raises Misconfigured when it is missing or no text.
    """
    value = text_option(line, key)
    if value is None:
        raise Misconfigured(f"line {line.name}: options.{key} is missing", code=key)
    return value
