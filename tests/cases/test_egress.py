"""O6: an egress proxy and an authority of one's own, for every client that sends requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from activities.posting import Poster
from outdial.calendars.caldav import CalDavCalendar
from outdial.calendars.port import CalendarUnavailable
from outdial.domain.egress import Egress
from outdial.providers.adapters.simulated.client import SimulatedProvider
from outdial.providers.errors import Unavailable
from outdial.providers.http.exchange import ProviderHttp
from outdial.providers.port import LineConfig
from outdial.resources.outgoing.addresses import GuardedTransport
from outdial.runtime.integrations import build_integrations
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import Settings, load_settings
from tests.activities.test_posting import delivery, endpoint
from tests.security.proxy import Proxy, proxying
from tests.security.test_pooling import Server, certificate, server

__all__ = ["certificate", "server"]

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOST = "one.test"
"""A name that only the proxy can resolve."""
Ask = Callable[[str, Egress], Awaitable[object]]


@pytest_asyncio.fixture(loop_scope="session")
async def proxy() -> AsyncIterator[Proxy]:
    async with proxying() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def plain() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


async def of_a_provider(url: str, egress: Egress) -> object:
    http = ProviderHttp(LineConfig(name="main", base_url=url, egress=egress), default_url="")
    try:
        return await http.create("GET", "/calls")
    finally:
        await http.aclose()


async def of_the_simulated_network(url: str, egress: Egress) -> object:
    line = LineConfig(
        name="main",
        base_url=url,
        credentials={"api_key": "k", "webhook_secret": "whsec_c2VjcmV0"},
        egress=egress,
    )
    provider = SimulatedProvider(line)
    try:
        return await provider.check()
    except Unavailable as error:
        if error.provider_code != "unreadable":
            raise
        return error
    finally:
        await provider.aclose()


async def of_a_webhook(url: str, egress: Egress) -> object:
    poster = Poster(lambda: NOW, allow_private=False, egress=egress)
    try:
        outcome = await poster.post(endpoint(url), delivery())
    finally:
        await poster.aclose()
    if not outcome.delivered:
        raise ConnectionError(outcome.attempt.error)
    return outcome


async def of_a_callback(url: str, egress: Egress) -> object:
    async with httpx.AsyncClient(transport=GuardedTransport(egress=egress)) as client:
        return await client.post(url, json={})


async def of_a_calendar(url: str, egress: Egress) -> object:
    calendar = CalDavCalendar(
        url, username="u", password="p", clock=lambda: NOW, egress=egress,
        timeout=timedelta(seconds=5),
    )  # fmt: skip
    return await calendar.busy(NOW, NOW + timedelta(hours=1))


CLIENTS: list[Ask] = [
    of_a_provider,
    of_the_simulated_network,
    of_a_webhook,
    of_a_callback,
    of_a_calendar,
]


@pytest.mark.parametrize("ask", CLIENTS)
async def test_a_tunnel_to_a_server_of_a_private_authority(
    ask: Ask, proxy: Proxy, server: Server, certificate: Path
) -> None:
    egress = Egress(proxy=proxy.url, ca_file=f"{certificate}.crt")
    await ask(f"https://{HOST}:{server.port}/", egress)
    assert proxy.requests == [f"CONNECT {HOST}:{server.port} HTTP/1.1"]
    assert server.hosts == [f"{HOST}:{server.port}"]


@pytest.mark.parametrize("ask", CLIENTS)
async def test_an_authority_that_nobody_named_is_not_trusted(
    ask: Ask, proxy: Proxy, server: Server
) -> None:
    with pytest.raises((Unavailable, httpx.ConnectError, CalendarUnavailable, ConnectionError)):
        await ask(f"https://{HOST}:{server.port}/", Egress(proxy=proxy.url))
    assert server.hosts == []


@pytest.mark.parametrize("ask", CLIENTS)
async def test_plain_requests_are_forwarded(ask: Ask, proxy: Proxy, plain: Server) -> None:
    await ask(f"http://{HOST}:{plain.port}/", Egress(proxy=proxy.url))
    (request,) = proxy.requests
    assert request.split(" ")[1].startswith(f"http://{HOST}:{plain.port}/")
    assert plain.hosts == [f"{HOST}:{plain.port}"]


@pytest.mark.parametrize("ask", CLIENTS)
async def test_user_and_password_of_the_proxy(
    ask: Ask, proxy: Proxy, server: Server, certificate: Path
) -> None:
    with_password = proxy.url.replace("http://", "http://us:secret@")
    await ask(
        f"https://{HOST}:{server.port}/",
        Egress(proxy=with_password, ca_file=f"{certificate}.crt"),
    )
    assert proxy.authorizations == {"Basic dXM6c2VjcmV0"}


@pytest.mark.parametrize("ask", CLIENTS)
async def test_a_proxy_that_opens_no_tunnel(ask: Ask, proxy: Proxy, server: Server) -> None:
    """A request that dials certainly never left then."""
    proxy.refuses = True
    with pytest.raises((Unavailable, httpx.ProxyError, CalendarUnavailable, ConnectionError)):
        await ask(f"https://{HOST}:{server.port}/", Egress(proxy=proxy.url))
    assert server.connections == 0


@pytest.mark.parametrize("ask", [of_a_webhook, of_a_callback])
@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "[::ffff:10.0.0.1]", "2130706434"])
async def test_no_proxy_is_asked_for_what_is_internal(ask: Ask, host: str, proxy: Proxy) -> None:
    with pytest.raises(Exception, match="no public address"):
        await ask(f"http://{host}:1/", Egress(proxy=proxy.url))
    assert proxy.requests == []


@pytest.mark.parametrize("ask", [of_a_webhook, of_a_callback])
async def test_hosts_without_a_proxy_are_guarded_as_ever(ask: Ask, proxy: Proxy) -> None:
    for host in ("127.0.0.1", "localhost", "127.8.8.8", "[::1]"):
        with pytest.raises(Exception, match="no public address"):
            await ask(f"http://{host}:1/", Egress(proxy=proxy.url))
    assert proxy.requests == []


async def test_what_is_on_this_machine_or_named_is_reached_directly(
    proxy: Proxy, plain: Server
) -> None:
    await of_a_provider(f"http://127.0.0.1:{plain.port}", Egress(proxy=proxy.url))
    assert (proxy.requests, plain.connections) == ([], 1)
    egress = Egress(proxy=proxy.url, direct_hosts=frozenset({"livekit.internal"}))
    assert egress.proxy_for("LiveKit.internal") is None
    assert egress.proxy_for("api.example.com") == proxy.url


def settings(tmp_path: Path, proxy_url: str, ca_file: str) -> Settings:
    config = tmp_path / "outdial.toml"
    config.write_text(
        f'[outgoing]\nca_file = "{ca_file}"\n'
        f'[lines.main]\nprovider = "vapi"\nbase_url = "https://{HOST}:1"\n'
        'credentials = { api_key = "env:K", webhook_secret = "env:K" }\n'
        'options = { phone_number_id = "p" }\n'
        f'[calendars.clinic]\nurl = "https://{HOST}:1/"\n',
        encoding="utf-8",
    )
    return load_settings(
        {"OUTDIAL_CONFIG": str(config), "OUTDIAL_OUTGOING__PROXY": proxy_url, "K": "k"}
    )


async def test_settings_reach_every_client(tmp_path: Path, proxy: Proxy, certificate: Path) -> None:
    """By file and by environment; the environment of other tools is not read."""
    loaded = settings(tmp_path, proxy.url, f"{certificate}.crt")
    lines, integrations = build_lines(loaded), build_integrations(loaded)
    assert integrations.egress == loaded.outgoing.egress()
    assert integrations.of_tenant("other").egress == integrations.egress
    proxy.refuses = True
    with pytest.raises(Unavailable):
        await lines["main"].provider.check()
    backend = integrations.calendars["clinic"]
    with pytest.raises(CalendarUnavailable):
        await backend.busy(NOW, NOW + timedelta(hours=1))
    assert proxy.requests == [f"CONNECT {HOST}:1 HTTP/1.1"] * 2
    await lines.aclose()


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("CA_FILE", "/nowhere/ca.pem", "found '/nowhere/ca.pem', which cannot be read: No such"),
        ("CA_FILE", "pyproject.toml", "found 'pyproject.toml', which is no certificate; write a"),
        ("PROXY", "http://us:secret@proxy.test", "found no URL of a proxy with its port; write"),
        ("PROXY", "socks5://proxy.test:1080", "found no URL of a proxy with its port; write"),
        ("DIRECT_HOSTS", '["https://x/"]', "found 'https://x/'; write a host such as"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(setting: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({f"OUTDIAL_OUTGOING__{setting}": value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"OUTDIAL_OUTGOING__{setting}")
    assert sentence in problem
    assert "secret" not in problem
