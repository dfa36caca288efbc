"""Campaigns: their rows, launches, revisions, progress, and the gate that pauses pass."""
