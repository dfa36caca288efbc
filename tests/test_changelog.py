"""The changelog keeps its form, and each released version has its entry and its notes."""

from __future__ import annotations

import re
from pathlib import Path

import outdial

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
"""Of Keep a Changelog."""


def test_entries_are_versions_with_dates_the_newest_first() -> None:
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", h) for h in headings[1:]]
    assert all(released)
    versions = [tuple(map(int, match.groups())) for match in released if match]
    assert versions == sorted(set(versions), reverse=True)


def test_changes_are_of_the_six_kinds() -> None:
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= KINDS


def test_this_version_has_an_entry_and_notes_on_upgrading() -> None:
    version = outdial.__version__
    assert f"## [{version}]" in CHANGELOG or f"This becomes {version}" in CHANGELOG
    notes = (ROOT / "docs" / "how-to" / "upgrading.md").read_text(encoding="utf-8")
    assert f"### {version}\n" in notes
