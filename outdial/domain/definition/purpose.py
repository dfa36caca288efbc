"""The purpose of a campaign's calls. Calling rules depend on it, so it never changes."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    INFORMATIONAL = "informational"
    TELEMARKETING = "telemarketing"
