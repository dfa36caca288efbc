"""P1 and P4, with siblings: a role that is no operator's, and files that can't be read or used."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from outdial.contracts.search_attributes import SEARCH_ATTRIBUTES
from outdial.runtime.connection import (
    TemporalMismatch,
    connect_temporal,
    register_search_attributes,
)
from outdial.runtime.lines import resolve_reference
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import load_settings
from tests.temporal import start_bare

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM


def key_of(password: bytes | None = None) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    how: Any = serialization.NoEncryption()
    if password is not None:
        how = serialization.BestAvailableEncryption(password)
    return key, key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how)


def certificate(key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(PEM)


KEY, KEY_PEM = key_of()
GOOD = certificate(KEY, NOW - DAY, NOW + DAY)
OLD = certificate(KEY, NOW - 3 * DAY, NOW - 2 * DAY)
CERT, PRIVATE, CA = (
    f"TEMPORAL_TLS_{name}_PATH" for name in ("CLIENT_CERT", "CLIENT_KEY", "SERVER_CA_CERT")
)
Files = dict[str, bytes | None]
"""What stands in the file of each variable; None: there is no file."""
BAD: dict[str, tuple[Files, str]] = {
    "no certificate": ({CERT: None, PRIVATE: KEY_PEM}, "No such file or directory"),
    "no key": ({CERT: GOOD, PRIVATE: None}, "No such file or directory"),
    "no CA": ({CA: None}, "No such file or directory"),
    "junk certificate": ({CERT: b"junk", PRIVATE: KEY_PEM}, f"{CERT} .* is no certificate"),
    "binary certificate": ({CERT: b"\xff\xfe\x00", PRIVATE: KEY_PEM}, "is no certificate"),
    "empty certificate": ({CERT: b"", PRIVATE: KEY_PEM}, "certificate|is missing"),
    "junk key": ({CERT: GOOD, PRIVATE: b"junk"}, f"{PRIVATE} .* is no private key"),
    "another's key": ({CERT: GOOD, PRIVATE: key_of()[1]}, "belongs to another certificate"),
    "locked key": ({CERT: GOOD, PRIVATE: key_of(b"pw")[1]}, "is encrypted"),
    "expired": ({CERT: OLD, PRIVATE: KEY_PEM}, "has expired on"),
    "not yet": (
        {CERT: certificate(KEY, NOW + DAY, NOW + 2 * DAY), PRIVATE: KEY_PEM}, "is valid from",
    ),
    "junk CA": ({CA: b"junk"}, f"{CA} .* is no certificate"),
    "expired CA": ({CA: OLD}, "has expired on"),
    "a certificate alone": ({CERT: GOOD}, "client_key: is missing|is missing"),
    "a key alone": ({PRIVATE: KEY_PEM}, "is missing"),
}  # fmt: skip


def write(folder: Path, files: Files) -> dict[str, str]:
    """The variables that name these files."""
    for name, data in files.items():
        if data is not None:
            (folder / f"{name}.pem").write_bytes(data)
    return {name: str(folder / f"{name}.pem") for name in files}


@pytest.mark.parametrize("name", BAD)
async def test_p4_is_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, sentence = BAD[name]
    for variable, path in write(tmp_path, files).items():
        monkeypatch.setenv(variable, path)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    for lazy in (False, True):
        with pytest.raises(SettingsInvalid, match=sentence) as refused:
            await connect_temporal(load_settings(), lazy=lazy)
        assert len(refused.value.problems) == 1
        assert all("\n" not in one for one in refused.value.problems)
        assert "PRIVATE KEY" not in str(refused.value)


async def test_p4_a_good_pair_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, path in write(tmp_path, {CERT: GOOD, PRIVATE: KEY_PEM, CA: GOOD + OLD}).items():
        monkeypatch.setenv(variable, path)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    client = await connect_temporal(load_settings({}), lazy=True)
    assert client.service_client.config.target_host == "127.0.0.1:1"


LINE = """
public_url = "https://calls.example.com"
[lines.main]
provider = "bland"
credentials = { api_key = "file:secret", webhook_secret = "file:secret" }
"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("worker.py",), marks=pytest.mark.faults),
        pytest.param(("-m", "outdial.api"), marks=pytest.mark.faults),
        ("-m", "outdial.cli", "status"),
    ],
)
async def test_p4_every_process_says_it_and_ends(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Without a traceback, and at once; a credential's file is told in the same way."""
    (tmp_path / "outdial.toml").write_text(LINE, encoding="utf-8")
    (tmp_path / "secret").write_text("key", encoding="utf-8")
    files = write(tmp_path, {CERT: None, PRIVATE: KEY_PEM})
    code, output = await run(tmp_path, command, files)
    assert code == 1, output
    assert f"{files[CERT]} cannot be read: No such file or directory" in output
    assert "Traceback" not in output
    if command[-1] == "status":
        return  # it needs no credentials
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    code, output = await run(tmp_path, command, {})
    assert code == 1, output
    assert "credentials.api_key: secret is not UTF-8 text" in output
    assert "Traceback" not in output


async def run(folder: Path, command: tuple[str, ...], more: dict[str, str]) -> tuple[int, str]:
    where = str(ROOT / command[0]) if command[0].endswith(".py") else command[0]
    process = await asyncio.create_subprocess_exec(
        sys.executable, where, *command[1:],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TEMPORAL_ADDRESS": "127.0.0.1:1",
            "OUTDIAL_STATE_DIR": str(folder / "state"), "OUTDIAL_API_PORT": "1", **more,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, " ".join(output.decode().split())


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8 text"),
        (lambda path: path.write_text(" \n"), "is empty"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: None, "cannot be read: No such file or directory"),
    ],
)
def test_a_secrets_file(tmp_path: Path, make: Callable[[Path], Any], problem: str) -> None:
    problems: list[str] = []
    make(tmp_path / "s")
    assert resolve_reference("x", f"file:{tmp_path}/s", {}, problems) is None
    assert problems == [f"x: {tmp_path}/s {problem}"]


@dataclass
class Refusing:
    """A server's client for a role that may not use the operator service, or not all of it."""

    client: Client
    status: RPCStatusCode
    lists: bool = False

    @property
    def namespace(self) -> str:
        return self.client.namespace

    @property
    def operator_service(self) -> Any:
        return self

    async def list_search_attributes(self, request: Any) -> Any:
        if self.lists:
            return await self.client.operator_service.list_search_attributes(request)
        raise RPCError("Request unauthorized.", self.status, b"")

    async def add_search_attributes(self, request: Any) -> Any:
        raise RPCError("Request unauthorized.", self.status, b"")

    async def count_workflows(self, query: str) -> Any:
        return await self.client.count_workflows(query)


@pytest_asyncio.fixture(loop_scope="session")
async def bare() -> AsyncIterator[Client]:
    async with await start_bare() as environment:
        yield environment.client


async def test_p1_a_role_that_is_no_operators(bare: Client) -> None:
    """Missing attributes are named with how to make them; once they are there, it goes on."""
    roles = [
        Refusing(bare, status, lists)
        for status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED)
        for lists in (False, True)
    ]
    for role in roles:
        with pytest.raises(TemporalMismatch) as refused:
            await register_search_attributes(cast("Client", role))
        for attribute in SEARCH_ATTRIBUTES:
            assert f"--name {attribute.name} --type " in str(refused.value)
    await register_search_attributes(bare)
    for role in roles:
        assert await register_search_attributes(cast("Client", role)) == []


async def test_p1_what_can_not_be_known_stops_nobody(bare: Client) -> None:
    class Blind(Refusing):
        async def count_workflows(self, query: str) -> Any:
            raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")

    role = Blind(bare, RPCStatusCode.PERMISSION_DENIED)
    assert await register_search_attributes(cast("Client", role)) == []


async def test_p1_another_error_is_none_of_these(bare: Client) -> None:
    with pytest.raises(RPCError):
        await register_search_attributes(cast("Client", Refusing(bare, RPCStatusCode.UNAVAILABLE)))
