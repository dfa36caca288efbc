"""Which systems' APIs are served. Adding one is a folder and one line here."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

SYSTEMS: tuple[tuple[str, Callable[[], FastAPI]], ...] = ()
"""Each is mounted under /compat/<system>."""
