"""Two customers of one installation, and somebody without a key."""

from __future__ import annotations

from tests.api.v1.conftest import api, database, temporal_server, them, us, world

__all__ = ["api", "database", "temporal_server", "them", "us", "world"]
