"""What a definition may send: secrets to their hosts alone, no header of ours, mail to whom the
settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from outdial.domain.call.callback_run import CallbackState
from outdial.domain.definition.headers import header_problem, keyed_header_problem
from outdial.intake.definition import read_definition_text
from outdial.intake.problems import DefinitionInvalid
from outdial.resources.integrations import Integrations, Secret
from outdial.resources.outgoing.mail import MailSecurity, MailServer
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.integrations import CallbackSettings, MailSettings
from outdial.runtime.settings.settings import load_settings
from tests.activities.callbacks import SettledCalls, settled_calls
from tests.activities.endpoint import Endpoint
from tests.activities.test_webhook_callbacks import Mailbox, mail_server
from tests.databases import migrated

FRAMING = (
    "Host", "content-length", "Content-Type", "Transfer-Encoding", "connection", "TE", "Upgrade",
    "Expect", "Proxy-Authorization", "Keep-Alive", "Trailer", "Idempotency-Key",
    "webhook-signature", "X-Outdial-Secret", "a b", "x:y", "", "x\r\ny", "é",
)  # fmt: skip
"""No definition sets them."""
BELIEVED = (
    "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Anything", "Forwarded", "X-Real-IP", "Client-IP",
    "Fastly-Client-IP", "X-Host", "X-Remote-User", "Remote-User", "X-Envoy-External-Address",
    "X-HTTP-Method-Override", "X-Original-URL", "Cookie", "Sec-Fetch-Site", "Notion-Version",
    "Accepted-User", "X-Header-Of-Tomorrow",
)  # fmt: skip
"""Set by the operator's own definitions alone, unless the settings name them."""
FREE = (
    "X-Api-Key", "Accept", "Accept-Language", "apikey", "traceparent", "User-Agent", "Prefer",
    "content-language", "X-Request-ID",
)  # fmt: skip
"""Set by any definition."""


@pytest_asyncio.fixture(loop_scope="session")
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def after(tmp_path: Path) -> AsyncIterator[SettledCalls]:
    integrations = Integrations(
        allow_hosts=frozenset({"127.0.0.1", "localhost"}),
        secrets={"crm": Secret("t0ken", frozenset({"crm.example.com", "127.0.0.1:1"}))},
    )
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
        yield await settled_calls(database, integrations)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://crm.example.com/v1", True),
        ("https://CRM.example.com:443/v1", True),
        ("https://crm.example.com:8443/v1", False),
        ("http://crm.example.com/v1", False),
        ("https://crm.example.com.attacker.net/", False),
        ("https://x@attacker.net/crm.example.com", False),
        ("https://crm.example.com@attacker.net/", False),
        ("https://attacker.net/?crm.example.com", False),
        ("https://sub.crm.example.com/", False),
        ("https://crm.example.com./", False),
        ("http://10.0.0.7:8080/", True),
        ("http://10.0.0.7/", False),
        ("http://10.0.0.8:8080/", False),
    ],
)
def test_a_secret_is_bound_to_its_hosts(url: str, good: bool) -> None:
    secret = Secret("t0ken", frozenset({"crm.example.com", "10.0.0.7:8080", "10.0.0.8:8080"}))
    assert secret.may_go_to(httpx.URL(url), frozenset({"10.0.0.7"})) is good


async def test_no_definition_sends_it_elsewhere(after: SettledCalls, endpoint: Endpoint) -> None:
    """By a template too: what counts is the address as it goes out."""
    for url in (endpoint.url, "{{ data.where }}", endpoint.url.replace("127.0.0.1", "localhost")):
        call = after.settle(
            after.launch({"do": "webhook", "url": url, "auth": "crm"}), {"where": endpoint.url}
        )
        with pytest.raises(ApplicationError, match="may not be sent to this address") as refused:
            await after.run(call)
        assert refused.value.non_retryable
        assert "t0ken" not in str(refused.value)
    assert not endpoint.received


@pytest.mark.parametrize("name", ["Host", "Content-Length", "transfer-encoding", "Authorization"])
async def test_no_header_of_ours_is_sent(
    after: SettledCalls, endpoint: Endpoint, name: str
) -> None:
    call = after.settle(
        after.launch({"do": "webhook", "url": endpoint.url, "auth": "crm", "headers": {name: "1"}})
    )
    with pytest.raises(ApplicationError, match="found the header"):
        await after.run(call)
    assert not endpoint.received


@pytest.mark.parametrize("name", FRAMING)
def test_headers_of_ours(name: str) -> None:
    for spelled in {name, name.upper(), name.lower()}:
        assert header_problem(spelled) is not None


@pytest.mark.parametrize("name", FRAMING)
def test_no_setting_gives_headers_of_ours(name: str) -> None:
    assert keyed_header_problem(name, {name.lower()}) is not None
    with pytest.raises(ValidationError):
        CallbackSettings(headers=(name,))


@pytest.mark.parametrize("name", FREE)
def test_headers_of_theirs(name: str) -> None:
    assert header_problem(name, has_auth=True) is None
    for spelled in {name, name.upper(), name.lower()}:
        assert keyed_header_problem(spelled) is None


@pytest.mark.parametrize("name", BELIEVED)
def test_headers_that_receivers_believe(name: str) -> None:
    """By a key none but those of the list, and those that the settings name."""
    assert header_problem(name, has_auth=True) is None
    for spelled in {name, name.upper(), name.lower()}:
        assert "callbacks.headers" in str(keyed_header_problem(spelled))
        named = CallbackSettings(headers=(name,)).headers
        assert keyed_header_problem(spelled, named) is None


def test_authorization_is_written_by_auth() -> None:
    assert header_problem("Authorization") is None
    assert header_problem("authorization", has_auth=True) is not None
    for spelled in ("Authorization", "authorization"):
        assert "auth instead" in str(keyed_header_problem(spelled, {"authorization"}))
    with pytest.raises(ValidationError):
        CallbackSettings(headers=("Authorization",))


DEFINITION = """
name: n
purpose: informational
agent: a
line: simulated
recipients: [{phone: "+12125550143"}]
callbacks:
  - do: webhook
    url: https://example.com
    headers:
      X-Good: "1"
      Content-length: "0"
"""


def test_a_file_gets_the_place_where_the_header_stands() -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        read_definition_text(DEFINITION)
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (12, 7)
    assert problem.message == (
        "found the header Content-length, which the request writes itself; leave it out"
    )


def test_settings_name_the_hosts_of_a_secret(tmp_path: Path) -> None:
    for value in ('"env:CRM"', '{ token = "env:CRM" }', '{ token = "env:CRM", hosts = [] }',
                  '{ token = "env:CRM", hosts = ["https://crm.example.com"] }'):  # fmt: skip
        file = tmp_path / "outdial.toml"
        file.write_text(f"[callbacks.secrets]\ncrm = {value}\n")
        with pytest.raises(SettingsInvalid) as refused:
            load_settings({"OUTDIAL_CONFIG": str(file)})
        assert "callbacks.secrets.crm" in str(refused.value)
        assert "env:CRM" not in str(refused.value)
    good = CallbackSettings.model_validate(
        {"secrets": {"crm": {"token": "env:CRM", "hosts": ["CRM.example.com:8443", "[::1]:80"]}}}
    )
    assert good.secrets["crm"].hosts == ("crm.example.com:8443", "[::1]:80")


LETTERS = (
    ("a.b@clinic.example.com", True),
    ("Desk@Example.com", True),
    ("other@example.com", False),
    ("x@sub.clinic.example.com", False),
    ("x@clinic.example.com.attacker.net", False),
    ("{{ data.to }}", False),
)


async def test_mail_goes_to_whom_the_settings_name(tmp_path: Path) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as server:
        ruled = replace(server, recipients=("@clinic.example.com", "desk@example.com"))
        with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
            after = await settled_calls(database, Integrations(mail=ruled))
            for to, good in LETTERS:
                email = {"do": "email", "to": to, "subject": "s", "body": "b"}
                call = after.settle(after.launch(email), {"to": "x@attacker.net"})
                if good:
                    assert await after.run(call) is CallbackState.DONE
                else:
                    with pytest.raises(ApplicationError, match=r"mail\.recipients"):
                        await after.run(call)
    assert len(mailbox.letters) == 2


def test_rules_of_recipients() -> None:
    anybody = MailServer("localhost", 25, "x@example.com", MailSecurity.NONE)
    assert not anybody.recipients
    for wrong in ("example.com", "a@b@c", "@", "x y@example.com"):
        with pytest.raises(ValidationError):
            MailSettings(host="h", sender="x@example.com", recipients=(wrong,))
