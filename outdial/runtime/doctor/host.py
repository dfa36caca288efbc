"""Checks of this host: room on its disks, and whether the public URL leads to our API."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import httpx

from outdial.domain.egress import Egress
from outdial.providers.http.exchange import certificates, proxy_of
from outdial.runtime.doctor.finding import Finding, ok, problem, warning

LEAST_BYTES = 100_000_000
"""SQLite needs room for its write-ahead log, and each uploaded contact file may have 500 MB."""
FEW_BYTES = 1_000_000_000
_ANSWER_SECONDS = 5.0


def check_disks(
    folders: Iterable[tuple[str, Path]], *, least: int = LEAST_BYTES, few: int = FEW_BYTES
) -> list[Finding]:
    """Whether each folder can be written to and has room; each is named by what it is for."""
    return [_disk(what, folder, least, few) for what, folder in folders]


def _disk(what: str, folder: Path, least: int, few: int) -> Finding:
    check = f"disk for {what}"
    place = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        return problem(
            check,
            "disk_not_writable",
            f"{folder} cannot be written to: {error.strerror}",
            "give this user the right to write there, or set another folder",
        )
    text = f"{free / 1e9:.1f} GB free for {folder}"
    remedy = "free space there, or set another folder"
    if free < least:
        return problem(check, "disk_full", text, remedy)
    return warning(check, "disk_nearly_full", text, remedy) if free < few else ok(check, text)


async def check_public_url(url: str | None, egress: Egress) -> Finding:
    """Whether providers can reach our webhooks, as far as it can be seen from this host."""
    check = "public URL"
    if url is None:
        return problem(
            check,
            "public_url_missing",
            "none is set, so providers can't report what became of a call",
            "set OUTDIAL_PUBLIC_URL to where they reach the API, such as https://calls.example.com",
        )
    try:
        answer = await _get(f"{url}/healthz", egress)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return problem(
            check,
            "public_url_unreachable",
            f"{url} can't be reached from here ({type(error).__name__})",
            "start the API (`python -m outdial.api`) and the proxy in front of it, or correct "
            "OUTDIAL_PUBLIC_URL",
        )
    if answer.status_code != 200 or "status" not in _json(answer):
        return problem(
            check,
            "public_url_other",
            f"{url}/healthz answers {answer.status_code}, and not as our API does",
            "have the proxy lead every path to the API, or correct OUTDIAL_PUBLIC_URL",
        )
    local = httpx.URL(url).host in ("localhost", "127.0.0.1", "::1")
    if not local and not url.startswith("https://"):
        return warning(
            check,
            "public_url_clear",
            f"{url} leads to the API, but without TLS: transcripts can be read on the way",
            "put a proxy with a certificate in front, and set OUTDIAL_PUBLIC_URL to https://…",
        )
    return ok(check, f"{url} leads to the API")


async def _get(url: str, egress: Egress) -> httpx.Response:
    async with httpx.AsyncClient(
        verify=certificates(egress.ca_file),
        proxy=proxy_of(egress, httpx.URL(url)),
        timeout=_ANSWER_SECONDS,
        trust_env=False,
    ) as client:
        return await client.get(url)


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
