"""`outdial --version`: the versions of everything that a call's outcome may depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

import outdial
from outdial.domain.rules.data import rules_version
from outdial.domain.rules.zone import zone_data
from outdial.store.db.newest import newest_revision


def version_lines() -> Iterator[str]:
    """A line each, the name first. Rules and zone data are written as receipts write them."""
    yield f"outdial {outdial.__version__}"
    yield f"schema {newest_revision()}"
    yield f"rules {rules_version()}"
    yield f"zone data {zone_data()}"
    yield f"Temporal SDK {version('temporalio')}"
    yield f"Python {platform.python_version()}"
