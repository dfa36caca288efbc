"""`/docs` loads nothing from elsewhere, and says so to the browser."""

from __future__ import annotations

import re

import httpx
import pytest

from outdial.api.compat.systems import SYSTEMS
from outdial.api.reference import ASSETS

PREFIXES = ("/v1", *(f"/compat/{name}" for name, _ in SYSTEMS))


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_reference_is_made_of_our_own_files(api: httpx.AsyncClient, prefix: str) -> None:
    page = await api.get(f"{prefix}/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert not re.search(r"<script(?! src=\"docs/)", page.text)
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 3
    for link in linked:
        assert not link.startswith(("http", "/"))
        answer = await api.get(f"{prefix}/{link}")
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == policy
    document = await api.get(f"{prefix}/openapi.json")
    assert document.json()["openapi"].startswith("3.")


async def test_no_other_file_is_shown(api: httpx.AsyncClient) -> None:
    for name in ("reference.html", "..%2f__init__.py", "..%2Fassets%2Freference.js", "x", "%00"):
        assert (await api.get(f"/v1/docs/{name}")).status_code == 404
    for path in ("/v1/redoc", "/docs", "/redoc", "/openapi.json", "/compat/voxpria/redoc"):
        assert (await api.get(path)).status_code == 404


def test_the_license_is_with_it() -> None:
    text = (ASSETS / "LICENSE.txt").read_text()
    assert "swagger-ui-dist 5." in text
    assert "Apache License" in text
