"""Which systems' APIs are served. Adding one is a folder and one line here."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from outdial.api.compat.buildvoiceai.app import create_buildvoiceai
from outdial.api.compat.thinnestai.app import create_thinnestai
from outdial.api.compat.voxanne.app import create_voxanne
from outdial.api.compat.voxpria.app import create_voxpria
from outdial.api.compat.vozagent.app import create_vozagent

SYSTEMS: tuple[tuple[str, Callable[[], FastAPI]], ...] = (
    ("buildvoiceai", create_buildvoiceai),
    ("thinnestai", create_thinnestai),
    ("voxanne", create_voxanne),
    ("voxpria", create_voxpria),
    ("vozagent", create_vozagent),
)
"""Each is mounted under /compat/<system>."""
