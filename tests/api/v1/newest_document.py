"""The API document as the code writes it now, for all tests of it: to write it takes a second."""

from __future__ import annotations

from outdial.api.v1.app import create_v1

DOCUMENT = create_v1().openapi()
