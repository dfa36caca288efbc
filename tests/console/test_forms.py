"""What every page and every form of the console keeps to, asked of all routes there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import pytest

from outdial.api.app import open_state
from outdial.console.app import PATH, create_console
from outdial.console.forms import TOKEN_FIELD, form_token
from outdial.console.policy import HEADERS
from outdial.services.campaigns.launching import launch_campaign
from tests.console.conftest import UI, Console
from tests.history.doors import _walk
from tests.services.world import World, definition, new_name

QUERIES = {"/campaigns/{name}/diff": {"before": "1", "after": "1"}}
NO_SESSION = {"/sign-in"}
DONE = "/launches/{launch_id}"
"""Leads to the campaign when it is done."""


def routes(method: str) -> Iterator[str]:
    for path, route in _walk(create_console().routes):
        if method in (route.methods or ()):
            yield path


async def launched(world: World) -> str:
    """A campaign, whose launch has its name as id."""
    name = new_name()
    await launch_campaign(world.ctx, definition(name), public_id=name)
    return name


async def made(world: World, us: Console) -> dict[str, str]:
    """What our paths name, by their parameters."""
    name = await launched(world)
    [call] = await world.place_calls(1)
    return {"name": name, "launch_id": name, "call_id": call.call_id, "key_id": us.key.key.id}


def path_of(path: str, names: dict[str, str]) -> str:
    return PATH + path.format(**names)


async def test_nobody_gets_a_page_without_a_session(
    stranger: httpx.AsyncClient, us: Console, world: World
) -> None:
    names = await made(world, us)
    for path in set(routes("GET")) - NO_SESSION:
        answer = await stranger.get(
            path_of(path, names), params=QUERIES.get(path), headers={"cookie": "x=y"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}/sign-in"), path


async def test_every_form_needs_the_token_of_its_session(
    us: Console, them: Console, stranger: httpx.AsyncClient, world: World
) -> None:
    names = await made(world, us)
    tokens = [None, "", "x", form_token(them.session), form_token("")]
    for path in routes("POST"):
        url = path_of(path, names)
        for token in tokens:
            data = {} if token is None else {TOKEN_FIELD: token}
            answer = await us.http.post(url, data=data)
            assert answer.status_code == 403, (path, token)
        mine = {TOKEN_FIELD: form_token(us.session)}
        elsewhere = await us.http.post(url, data=mine, headers={"sec-fetch-site": "cross-site"})
        assert elsewhere.status_code == 403, path
        if path not in NO_SESSION:
            assert (await stranger.post(url, data=mine)).status_code == 303, path
    assert "running" in await us.page(f"/campaigns/{names['name']}/live")


@pytest.mark.parametrize("charset", ["punycode", "idna", "latin-1", "none"])
@pytest.mark.parametrize("parameter", ["charset={}", 'charset=utf-8; CHARSET="{}"'])
async def test_a_form_that_is_not_utf8_is_refused_unread(
    stranger: httpx.AsyncClient, charset: str, parameter: str
) -> None:
    """A codec of the sender's choice may take minutes, or fail."""
    media_type = f"multipart/form-data; boundary=b; {parameter.format(charset)}"
    for size in (5, 100_000):
        name = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n'
        body = name + b"\xff-" * size + b"\r\n--b--\r\n"
        answer = await stranger.post(
            f"{PATH}/sign-in", content=body, headers={"content-type": media_type}
        )
        assert answer.status_code == 400, answer.text
        assert "UTF-8" in answer.text


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"'])
async def test_a_form_in_utf8_is_read(us: Console, charset: str) -> None:
    token = {TOKEN_FIELD: form_token(us.session)}
    headers = {"content-type": f"application/x-www-form-urlencoded{charset}"}
    answer = await us.http.post(
        f"{PATH}/suppressions", content=urlencode(token | {"numbers": "é"}), headers=headers
    )
    assert answer.status_code == 422
    assert "é" in answer.text


async def test_a_page_of_another_tenant_is_not_there(
    us: Console, them: Console, world: World
) -> None:
    names = await made(world, us)
    for method in ("GET", "POST"):
        for path in routes(method):
            if "{" not in path:
                continue
            url, query = path_of(path, names), QUERIES.get(path)
            data = {TOKEN_FIELD: form_token(them.session)} if method == "POST" else None
            answer = await them.http.request(method, url, params=query, data=data)
            assert answer.status_code == 404, (method, path)
            if method == "GET":
                expected = 303 if path == DONE else 200
                assert (await us.http.get(url, params=query)).status_code == expected, path
    for path in ("/", "/calls", "/lines", "/suppressions", "/keys", "/log", "/people"):
        page = await them.page(path)
        assert [each for each in names.values() if each in page] == [], path
    assert names["name"] in await us.page("/")


class _Reader(HTMLParser):
    """What a page loads, links to and sends to, and what our policy would refuse of it."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.unnamed: list[str] = []
        self._labels: set[str] = set()
        self._fields: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        names = ("href", "src", "action", "hx-get", "hx-post")
        self.addresses += [value for name in names if (value := given.get(name))]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        if tag == "label" and (of := given.get("for")):
            self._labels.add(of)
        if tag in ("input", "textarea", "select") and given.get("type") not in (
            "hidden",
            "checkbox",
        ):
            self._fields.append(given)

    def nameless(self) -> list[dict[str, str | None]]:
        """Fields that a screen reader has no name for."""
        return [
            f for f in self._fields if f.get("id") not in self._labels and not f.get("aria-label")
        ]


async def test_pages_keep_to_the_policy_and_name_their_fields(us: Console, world: World) -> None:
    names = await made(world, us)
    for path in routes("GET"):
        query = QUERIES.get(path)
        answer = await us.http.get(path_of(path, names), params=query, follow_redirects=True)
        assert answer.status_code == 200, path
        assert HEADERS.items() <= dict(answer.headers).items(), path
        assert answer.headers["cache-control"] == "no-store"
        reader = _Reader()
        reader.feed(answer.text)
        assert reader.inline == [], path
        assert reader.nameless() == [], path
        assert [
            each
            for each in reader.addresses
            if not each.startswith((f"{PATH}/", "#", "?", f"{UI}/"))
        ] == [], path
        if not path.endswith("live"):
            assert answer.text.startswith("<!doctype html>\n<html lang="), path


async def test_a_page_of_a_defect_keeps_to_the_policy(world: World) -> None:
    app = create_console()

    async def fail() -> None:
        raise RuntimeError("secret")

    app.add_api_route("/defect", fail)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        open_state(world.ctx, "http://testserver") as app.state.outdial,
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as http,
    ):
        answer = await http.get("/defect")
    assert answer.status_code == 500
    assert "it has been logged" in answer.text
    assert "secret" not in answer.text
    assert HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["cache-control"] == "no-store"


async def test_files_are_kept_for_good(us: Console) -> None:
    page = await us.page("/")
    assets = re.findall(rf'"({PATH}/assets/[^"]+\?v=[0-9a-f]+)"', page)
    assert len(assets) == 4
    for url in assets:
        answer = await us.http.get(url)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    for name in ("LICENSE.txt", "..%2fapp.py", "none.css"):
        assert (await us.http.get(f"{PATH}/assets/{name}")).status_code == 404


@pytest.mark.parametrize("path", ["/nothing", "/campaigns/none", "/?after=none"])
async def test_what_there_is_not_is_said_on_a_page(us: Console, path: str) -> None:
    page = await us.page(path, 404)
    assert page.startswith("<!doctype html>")
