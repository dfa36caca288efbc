"""What is wrong with the certificates that Temporal's own configuration names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from temporalio.service import TLSConfig


def tls_problems(tls: TLSConfig, variables: Mapping[str, str], now: datetime) -> list[str]:
    """A message for each unusable certificate or key, as far as it shows without the server. The
    messages contain neither key nor certificate."""
    problems: list[str] = []
    ca = _certificates("server_ca_cert", tls.server_root_ca_cert, variables, problems)
    if ca and all(one.not_valid_after_utc < now for one in ca):
        problems.append(_expired("server_ca_cert", ca[0], variables))
    own = _certificates("client_cert", tls.client_cert, variables, problems)
    if own and own[0].not_valid_after_utc < now:
        problems.append(_expired("client_cert", own[0], variables))
    if own and own[0].not_valid_before_utc > now:
        begins = f"{own[0].not_valid_before_utc:%Y-%m-%d}"
        problems.append(f"{_place('client_cert', variables)}: is valid from {begins} on only")
    if (tls.client_cert is None) != (tls.client_private_key is None):
        there, missing = ("client_cert", "client_key")
        if tls.client_cert is None:
            there, missing = missing, there
        problems.append(f"{_place(missing, variables)}: is missing; {there} is given, and needs it")
    elif tls.client_private_key is not None:
        _check_key(tls.client_private_key, own, variables, problems)
    return problems


def _certificates(
    what: str, data: bytes | None, variables: Mapping[str, str], problems: list[str]
) -> list[x509.Certificate]:
    if data is None:
        return []
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        problems.append(f"{_place(what, variables)}: is no certificate; write a file in PEM form")
        return []


def _check_key(
    data: bytes,
    own: list[x509.Certificate],
    variables: Mapping[str, str],
    problems: list[str],
) -> None:
    place = _place("client_key", variables)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        problems.append(f"{place}: is encrypted; write one without a password")
        return
    except (ValueError, UnsupportedAlgorithm):
        problems.append(f"{place}: is no private key; write a file in PEM form")
        return
    if own and _bytes(key.public_key) != _bytes(own[0].public_key):
        problems.append(f"{place}: belongs to another certificate")


def _bytes(public_key: Callable[[], object]) -> bytes:
    key = public_key()
    assert hasattr(key, "public_bytes")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, form))


def _expired(what: str, one: x509.Certificate, variables: Mapping[str, str]) -> str:
    return f"{_place(what, variables)}: has expired on {one.not_valid_after_utc:%Y-%m-%d}; renew it"


def _place(what: str, variables: Mapping[str, str]) -> str:
    for kind in ("PATH", "DATA"):
        variable = f"TEMPORAL_TLS_{what.upper()}_{kind}"
        value = variables.get(variable)
        if value:
            return f"{variable} ({value})" if kind == "PATH" else variable
    return f"Temporal's configuration: tls.{what}_path"
