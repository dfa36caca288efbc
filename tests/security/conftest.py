"""Two customers of one installation, and somebody without a key."""

from __future__ import annotations

from tests.api.v1.conftest import api, database, them, us, world

__all__ = ["api", "database", "them", "us", "world"]
