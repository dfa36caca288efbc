"""Codes, such as those of outcomes and reasons, as people write them."""

from __future__ import annotations


def words(code: str) -> str:
    """`no_answer` as people write it; `failed:rejected` as `failed (rejected)`."""
    head, _, detail = code.replace("_", " ").partition(":")
    return f"{head} ({detail})" if detail else head
