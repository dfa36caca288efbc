"""What is wrong with the certificates that Temporal's own configuration names."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from temporalio.service import TLSConfig


def tls_problems(tls: TLSConfig, now: datetime) -> list[str]:
    """A sentence for each certificate or key that can't work; what can only be told by the server
    is left to it. Neither key nor certificate is shown."""
    problems: list[str] = []
    ca = _certificates("server_ca_cert", tls.server_root_ca_cert, problems)
    if ca and all(one.not_valid_after_utc < now for one in ca):
        problems.append(_expired("server_ca_cert", ca[0]))
    own = _certificates("client_cert", tls.client_cert, problems)
    if own and own[0].not_valid_after_utc < now:
        problems.append(_expired("client_cert", own[0]))
    if own and own[0].not_valid_before_utc > now:
        problems.append(
            f"{_place('client_cert')}: is valid from {own[0].not_valid_before_utc:%Y-%m-%d} on only"
        )
    if (tls.client_cert is None) != (tls.client_private_key is None):
        there, missing = ("client_cert", "client_key")
        if tls.client_cert is None:
            there, missing = missing, there
        problems.append(f"{_place(missing)}: is missing; {there} is given, and needs it")
    elif tls.client_private_key is not None:
        _check_key(tls.client_private_key, own, problems)
    return problems


def _certificates(what: str, data: bytes | None, problems: list[str]) -> list[x509.Certificate]:
    if data is None:
        return []
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        problems.append(f"{_place(what)}: is no certificate; write a file in PEM form")
        return []


def _check_key(data: bytes, own: list[x509.Certificate], problems: list[str]) -> None:
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        problems.append(f"{_place('client_key')}: is encrypted; write one without a password")
        return
    except (ValueError, UnsupportedAlgorithm):
        problems.append(f"{_place('client_key')}: is no private key; write a file in PEM form")
        return
    if own and _bytes(key.public_key) != _bytes(own[0].public_key):
        problems.append(f"{_place('client_key')}: belongs to another certificate")


def _bytes(public_key: Callable[[], object]) -> bytes:
    found = public_key()
    assert hasattr(found, "public_bytes")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(found.public_bytes(serialization.Encoding.DER, form))


def _expired(what: str, one: x509.Certificate) -> str:
    return f"{_place(what)}: has expired on {one.not_valid_after_utc:%Y-%m-%d}; renew it"


def _place(what: str) -> str:
    for kind in ("PATH", "DATA"):
        variable = f"TEMPORAL_TLS_{what.upper()}_{kind}"
        value = os.environ.get(variable)
        if value:
            return f"{variable} ({value})" if kind == "PATH" else variable
    return f"Temporal's configuration: tls.{what}_path"
