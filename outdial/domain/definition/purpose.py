"""What a campaign's calls are for: the rules differ, so it is said once and never changed."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    INFORMATIONAL = "informational"
    TELEMARKETING = "telemarketing"
