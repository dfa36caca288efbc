"""Numbers as subscribers: what is locked for one form of a number is locked for all."""

from __future__ import annotations

from outdial.domain.numbers.phone import subscriber


def number_lock(tenant: str, number: str) -> str:
    """The name under which a tenant's calls to a number wait for each other."""
    return f"number/{tenant}/{subscriber(number)}"
