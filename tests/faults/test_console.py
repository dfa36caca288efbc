"""The console in a browser, over a whole stack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from outdial.runtime.clock import system_clock
from outdial.services.accounts.keys import create_key
from outdial.services.accounts.sign_in import make_link_token
from tests.builders import phone
from tests.console.browser import chromium, visiting
from tests.e2e.stacks import PEOPLE, Stack, running

pytestmark = pytest.mark.faults

SLOW = PEOPLE | {"talk_seconds": [3.0, 6.0]}
TEXT = """\
name: {name}
purpose: informational
agent: reminder
schedule: {{hours: "00:00-24:00", time_zone: UTC}}
pacing: {{max_concurrent: 3}}
recipients:
{recipients}
"""
SECTIONS = ("/", "/people", "/calls", "/lines", "/suppressions", "/keys", "/log")
PHONE = {"width": 360, "height": 740}


_first = count(0, 100)


def definition(name: str) -> str:
    """60 people, none of whom another campaign calls."""
    first = next(_first)
    numbers = [phone(n) for n in range(first, first + 60)]
    rows = "\n".join(f'  - {{phone: "{number}", first_name: Ada}}' for number in numbers)
    return TEXT.format(name=name, recipients=rows)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running(tmp_path_factory.mktemp("console"), SLOW) as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


def base_of(stack: Stack) -> str:
    return stack.embedded.state.endpoints.api


async def sign_in(stack: Stack, page: Page) -> None:
    token = await make_link_token(stack.ctx.database, stack.ctx.tenant, system_clock())
    await page.goto(f"/console/sign-in?token={token}")
    await expect(page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()
    assert "token" not in page.url


async def launch(page: Page, name: str) -> None:
    await page.goto("/console/")
    await page.get_by_role("link", name="Launch a campaign").click()
    await page.get_by_label("or its text").fill(definition(name))
    await page.get_by_role("button", name="Show the plan").click()
    await expect(page.get_by_role("heading", name=f"Plan of {name}")).to_be_visible()
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=20_000)


async def test_a_campaign_is_launched_watched_changed_and_stopped(
    stack: Stack, browser: Browser, tmp_path: Path
) -> None:
    name = "from-the-console"
    async with visiting(browser, base_of(stack)) as visit:
        page = visit.page
        await sign_in(stack, page)
        await launch(page, name)
        rows = page.locator("section[aria-labelledby=in-flight] tbody tr")
        await expect(rows).to_have_count(3, timeout=20_000)
        await page.screenshot(path=tmp_path / "campaign.png", full_page=True)
        await page.get_by_role("link", name="Calls", exact=True).click()
        await page.locator("tbody tr a").first.click()
        await expect(page.get_by_role("heading", name="Events")).to_be_visible()
        await page.go_back()
        await page.go_back()
        done = page.locator(".tiles dd").first
        before = await done.inner_text()
        await expect(done).not_to_have_text(before, timeout=20_000)

        await page.locator("#pause-reason").fill("lunch <b>break</b>")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_text(f"{name} is paused.")).to_be_visible()
        await expect(page.get_by_text("paused: lunch <b>break</b>")).to_be_visible()
        await expect(page.get_by_text(f"outdial resume {name}")).to_be_visible()
        await page.get_by_role("button", name="Resume").click()
        await expect(page.get_by_text(f"{name} is running.")).to_be_visible()

        await page.get_by_role("link", name="Change its definition").click()
        text = page.get_by_label("Definition", exact=True)
        changed = (await text.input_value()).replace("max_concurrent: 3", "max_concurrent: 2")
        await text.fill(changed)
        await page.get_by_role("button", name="Show what changes").click()
        await expect(page.get_by_text("pacing.max_concurrent")).to_be_visible()
        await page.get_by_label("Reason").fill("fewer at once")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.get_by_text(f"{name} is at revision 2")).to_be_visible(timeout=20_000)
        await page.get_by_role("link", name="revision 2").click()
        await expect(page.get_by_text("fewer at once")).to_be_visible()
        await page.get_by_role("link", name="from 1").click()
        await expect(page.get_by_role("row", name="pacing.max_concurrent 3 2")).to_be_visible()

        await page.goto(f"/console/campaigns/{name}")
        await page.get_by_text("Stop …").click()
        await page.get_by_label("Hang up calls in flight").check()
        await page.get_by_role("button", name="Stop for good").click()
        await expect(page.locator(".now .state")).to_have_text("stopped", timeout=30_000)
        assert (visit.complaints, visit.elsewhere) == ([], [])


async def test_numbers_and_keys_are_kept_from_their_pages(stack: Stack, browser: Browser) -> None:
    number = phone(9_000)
    async with visiting(browser, base_of(stack)) as visit:
        page = visit.page
        await sign_in(stack, page)
        await page.get_by_role("link", name="Suppressions").click()
        await page.get_by_label("Numbers, one a line").fill(number)
        await page.locator("#add-reason").fill("asked")
        await page.get_by_role("button", name="Add").click()
        await expect(page.get_by_role("rowheader", name=number)).to_be_visible()
        await page.get_by_label("Number", exact=True).fill(number)
        await page.locator("#lift-reason").fill("by letter")
        await page.get_by_role("button", name="Lift").click()
        await expect(page.get_by_text("may be called again")).to_be_visible()
        await page.get_by_role("link", name="Keys").click()
        await page.get_by_label("Name").fill("reports")
        await page.get_by_label("calls:read").check()
        await page.get_by_role("button", name="Make it").click()
        await expect(page.get_by_text("which is not shown again")).to_be_visible()
        await page.get_by_role("button", name="Switch reports off").click()
        await page.get_by_role("button", name="Switch reports on").click()
        await page.get_by_role("button", name="Revoke reports").click()
        await expect(page.get_by_text("reports is revoked.")).to_be_visible()
        await page.get_by_role("link", name="Log").click()
        await expect(page.get_by_text("by letter")).to_be_visible()
        assert (visit.complaints, visit.elsewhere) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_fit_a_phone_and_keep_the_focus(
    stack: Stack, browser: Browser, tmp_path: Path, scheme: str
) -> None:
    name = f"on-a-phone-{scheme}"
    async with visiting(browser, base_of(stack), viewport=PHONE, color_scheme=scheme) as visit:
        page = visit.page
        await sign_in(stack, page)
        await launch(page, name)
        await expect(page.locator("section[aria-labelledby=in-flight]")).to_be_visible(
            timeout=20_000
        )
        own = [f"/campaigns/{name}{part}" for part in ("", "/revisions", "/apply")]
        for path in (*own, "/launch", *SECTIONS):
            await page.goto(f"/console{path}")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], path
            await page.screenshot(
                path=tmp_path / f"{scheme}{path.replace('/', '-')}.png", full_page=True
            )
        await page.goto("/console/")
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_text("Skip to content")
        link = page.locator(f"#campaign-{name}")
        await link.focus()
        await page.evaluate("document.getElementById('live').dataset.old = '1'")
        await expect(page.locator("#live[data-old]")).to_have_count(0, timeout=20_000)
        await expect(link).to_be_focused()
        assert (visit.complaints, visit.elsewhere) == ([], [])


async def test_everything_works_without_scripts(stack: Stack, browser: Browser) -> None:
    key = await create_key(stack.ctx, "ana", ("campaigns:write",))
    name = "without-scripts"
    async with visiting(browser, base_of(stack), java_script_enabled=False) as visit:
        page = visit.page
        await page.goto("/console/")
        await page.get_by_label("API key").fill(key.text)
        await page.get_by_role("button", name="Sign in").click()
        await launch_without_scripts(page, name)
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_text(f"{name} is paused.")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(f"/console/campaigns/{name}")
        await expect(page.get_by_label("API key")).to_be_visible()


async def launch_without_scripts(page: Page, name: str) -> None:
    await page.get_by_role("link", name="Launch a campaign").click()
    await page.get_by_label("or its text").fill(definition(name))
    await page.get_by_role("button", name="Show the plan").click()
    await page.get_by_role("button", name="Launch", exact=True).click()
    heading = page.get_by_role("heading", name=name, exact=True)
    for _ in range(50):
        if await heading.count():
            return
        await page.reload()
    raise AssertionError(await page.content())
