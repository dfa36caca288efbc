"""Who may ask, and how often: 100 requests a minute and key
(docs.buildvoiceai.com/docs/reference)."""

from datetime import timedelta
from typing import Any

from outdial.api.compat.bearer import bearer
from outdial.services.accounts.access import RateRule

NAME = "buildvoiceai"
_RULES = (RateRule("key", 100, timedelta(minutes=1)),)


def needs(scope: str) -> Any:
    """A dependency: the caller, who holds this scope and has requests left."""
    return bearer(scope, NAME, *_RULES)
