"""Chromium, driven by playwright: Debian's package, which reaches no host but this machine."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

_QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Visit:
    """A page that is open, and what went wrong in it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    """Errors of scripts, and what the content security policy refused."""
    elsewhere: list[str] = field(default_factory=list)
    """Requests to other hosts."""

    def watch(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heed)
        self.page.on("request", self._count)

    def _heed(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _count(self, request: Request) -> None:
        if not request.url.startswith(self.base):
            self.elsewhere.append(request.url)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "chromium is missing: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visiting(browser: Browser, base: str, **options: Any) -> AsyncIterator[Visit]:
    """A new profile with one page."""
    context = await browser.new_context(base_url=base, **options)
    try:
        visit = Visit(await context.new_page(), base)
        visit.watch()
        yield visit
    finally:
        await context.close()
