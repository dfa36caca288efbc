"""Webhooks and letters after a call, against a real HTTP server and a real mail server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from temporalio.exceptions import ApplicationError

from outdial.domain.call.callback_run import CallbackState
from outdial.resources.integrations import Integrations, Secret
from outdial.resources.outgoing.mail import MailSecurity, MailServer
from outdial.resources.outgoing.special_addresses import is_public
from tests.activities.callbacks import SettledCalls, settled_calls
from tests.activities.endpoint import Endpoint
from tests.activities.test_appointment_callbacks import utc
from tests.databases import migrated


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as served:
        yield served


class Mailbox:
    """A mail server's handler: keeps letters, and refuses whom it is told to."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "450 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.letters.append(envelope.content)
        return "250 OK"


@asynccontextmanager
async def mail_server(mailbox: Mailbox) -> AsyncIterator[MailServer]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, hostname="mail"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield MailServer("127.0.0.1", port, "clinic@example.com", MailSecurity.NONE)
    finally:
        server.close()
        await server.wait_closed()


@pytest_asyncio.fixture(loop_scope="session")
async def after(tmp_path: Path, endpoint: Endpoint) -> AsyncIterator[SettledCalls]:
    secret = Secret("t0ken", frozenset({endpoint.url.removeprefix("http://")}))
    integrations = Integrations(allow_hosts=frozenset({"127.0.0.1"}), secrets={"crm": secret})
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
        yield await settled_calls(database, integrations)


async def test_a_templated_body(after: SettledCalls, endpoint: Endpoint) -> None:
    webhook = {
        "do": "webhook",
        "url": endpoint.url + "/calls/{{ call.outcome }}",
        "auth": "crm",
        "headers": {"x-campaign": "{{ call.campaign }}"},
        "body": {"said": '{{ data.note }}" }', "list": ["{{ data.score + 1 }}"]},
    }
    call = after.settle(after.launch(webhook), {"note": 'a "quote"', "score": 1})
    for _ in range(2):
        assert await after.run(call) is CallbackState.DONE
    (request,) = endpoint.received
    assert request.path == "/calls/completed"
    assert json.loads(request.body) == {"said": 'a "quote"" }', "list": ["2"]}
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["x-campaign"] == "c100"
    assert request.headers["idempotency-key"] == f"call/{call}/0/1"


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (400, False), (302, False)]
)
async def test_answers(after: SettledCalls, endpoint: Endpoint, status: int, again: bool) -> None:
    endpoint.status = status
    call = after.settle(after.launch({"do": "webhook", "url": endpoint.url}))
    with pytest.raises(ApplicationError, match=f"answered {status}") as failed:
        await after.run(call)
    assert failed.value.non_retryable is not again
    assert after.callback_run(call).entries[0].state is CallbackState.PENDING


@pytest.mark.parametrize("drip", [False, True])
async def test_an_endpoint_that_hangs(after: SettledCalls, endpoint: Endpoint, drip: bool) -> None:
    endpoint.hang, endpoint.drip = True, drip
    call = after.settle(after.launch({"do": "webhook", "url": endpoint.url}))
    with pytest.raises(ApplicationError, match=r"no answer within 0\.3 s"):
        await after.run(call, timeout=timedelta(seconds=0.3))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://localhost:{port}/", "private network"),
        ("http://[::1]:{port}/", "private network"),
        ("http://[::ffff:127.0.0.1]:{port}/", "private network"),
        ("http://0.0.0.0:{port}/", "private network"),
        ("http://2130706433:{port}/", "private network"),
        ("http://169.254.169.254/latest/meta-data/", "private network"),
        ("http://10.0.0.1/", "private network"),
        ("file:///etc/passwd", "neither http nor https"),
        ("ftp://127.0.0.1/", "neither http nor https"),
        ("http://user:pass@127.0.0.1/", "a URL with a user or password"),
        ("http://", "neither http nor https"),
        ("{{ data.url }}", "private network"),
        ("{{ data.nothing }}", "a template failed"),
    ],
)
async def test_addresses_where_nothing_is_sent(
    after: SettledCalls, endpoint: Endpoint, url: str, why: str
) -> None:
    url = url.replace("{port}", str(endpoint.port))
    data = {"url": "http://192.168.0.1/"}
    call = after.settle(after.launch({"do": "webhook", "url": url}), data)
    with pytest.raises(ApplicationError, match=why) as failed:
        await after.run(call, timeout=timedelta(seconds=5))
    assert failed.value.non_retryable
    assert endpoint.received == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_an_unknown_secret(after: SettledCalls, endpoint: Endpoint) -> None:
    webhook = {"do": "webhook", "url": endpoint.url, "auth": "other"}
    call = after.settle(after.launch(webhook))
    with pytest.raises(ApplicationError, match="found auth 'other'"):
        await after.run(call)


EMAIL = {
    "do": "email",
    "to": "{{ data.email }}",
    "subject": "Your appointment",
    "body": "See you on {{ appointment.weekday }} at {{ appointment.time }}.",
    "invitation": True,
}


async def test_a_letter_with_an_invitation(after: SettledCalls) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as server:
        resources = replace(after.activities._resources, integrations=Integrations(mail=server))
        after.activities._resources = resources
        after.enter(utc(6, 15))
        call = after.settle(after.launch(EMAIL), {"email": "ada@example.com"})
        for _ in range(2):
            assert await after.run(call) is CallbackState.DONE
    (raw,) = mailbox.letters
    letter = message_from_bytes(raw, policy=policy.default)
    assert (letter["From"], letter["To"]) == ("clinic@example.com", "ada@example.com")
    assert letter["Message-ID"].endswith("@example.com>")
    text, calendar = letter.iter_parts()
    assert text.get_content().strip() == "See you on Friday at 10:00."
    assert "DTSTART:20260306T150000Z" in calendar.get_content()


@pytest.mark.parametrize(
    ("address", "why", "again"),
    [
        ("nobody@example.com", "refused: 550", False),
        ("busy@example.com", "not taken: 450", True),
        ("ada@example.com, eve@example.com", "no single mail address", False),
        ("ada@example.com\r\nBcc: eve@example.com", "no single mail address", False),
        ("", "no single mail address", False),
    ],
)
async def test_letters_that_are_not_taken(
    after: SettledCalls, address: str, why: str, again: bool
) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as server:
        after.activities._resources = replace(
            after.activities._resources, integrations=Integrations(mail=server)
        )
        letter = EMAIL | {"body": "Hello", "invitation": False}
        call = after.settle(after.launch(letter), {"email": address})
        with pytest.raises(ApplicationError, match=why) as failed:
            await after.run(call)
    assert failed.value.non_retryable is not again
    assert mailbox.letters == []


async def test_a_mail_server_that_is_down(after: SettledCalls) -> None:
    server = MailServer("127.0.0.1", 1, "clinic@example.com", MailSecurity.NONE)
    after.activities._resources = replace(
        after.activities._resources, integrations=Integrations(mail=server)
    )
    call = after.settle(after.launch(EMAIL | {"body": "x", "invitation": False, "to": "a@b.c"}))
    with pytest.raises(ApplicationError, match="the mail server cannot be used") as failed:
        await after.run(call)
    assert not failed.value.non_retryable
