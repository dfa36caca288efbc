"""The parts that webhook schemes have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outdial.providers.credentials import required_credential, required_option, text_option
from outdial.providers.errors import Misconfigured, WebhookRefused
from outdial.providers.port import LineConfig
from outdial.providers.signing import (
    header_of,
    query_of,
    require_address,
    require_equal,
    require_recent,
    require_token,
    required_secret,
    with_query,
    with_token,
)

NOW = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_header_has_no_case() -> None:
    assert header_of({"X-Signature": "1"}, "x-signature") == "1"
    assert header_of({"X-Signature": "1"}, "x-other") == ""


@pytest.mark.parametrize("given", ["", "secre", "secret ", "SECRET", "é", "\ud800"])
def test_what_is_not_equal_is_refused(given: str) -> None:
    require_equal("secret", "secret", "the secret")
    with pytest.raises(WebhookRefused):
        require_equal("secret", given, "the secret")


def test_nothing_equals_nothing() -> None:
    with pytest.raises(WebhookRefused):
        require_equal("", "", "the secret")
    for missing in (None, ""):
        with pytest.raises(WebhookRefused, match="webhook_secret"):
            required_secret(missing)


@pytest.mark.parametrize(("seconds", "fits"), [(60, True), (-60, True), (61, False), (-61, False)])
def test_a_window_has_two_sides(seconds: int, fits: bool) -> None:
    signed_at = NOW + timedelta(seconds=seconds)
    if fits:
        require_recent(signed_at, NOW, MINUTE)
        return
    with pytest.raises(WebhookRefused):
        require_recent(signed_at, NOW, MINUTE)


def test_an_unknown_time_is_in_no_window() -> None:
    with pytest.raises(WebhookRefused):
        require_recent(None, NOW, MINUTE)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/hooks/main",
        "https://a.example/hooks/main/",
        "https://a.example/hooks/main/other",
        "https://a.example/hooks/main/secret/",
        "https://a.example/hooks/secret",
        "https://a.example/secret",
        "https://a.example/hooks/main/secret?token=other",
        "https://a.example/hooks/main?token=",
        "https://a.example/hooks/main?token=other",
        "https://a.example/hooks/main?token=secret&token=other",
        "https://a.example/hooks/main#token=secret",
    ],
)
def test_another_token_is_refused(url: str) -> None:
    require_token("https://a.example/hooks/main?call_id=1&token=secret", "secret")
    require_token("https://a.example/hooks/main/secret?call_id=1", "secret")
    for secret in ("secret", "", None):
        with pytest.raises(WebhookRefused):
            require_token(url, secret)


@pytest.mark.parametrize(
    ("options", "address", "fits"),
    [
        ({}, None, True),
        ({"allowed_addresses": []}, None, True),
        (
            {"allowed_addresses": ["203.0.113.7"], "address_header": "X-Real-IP"},
            "203.0.113.7",
            True,
        ),
        (
            {"allowed_addresses": ["2001:db8::/32"], "address_header": "X-Real-IP"},
            "2001:db8::1",
            True,
        ),
        (
            {"allowed_addresses": ["203.0.113.7"], "address_header": "X-Real-IP"},
            "203.0.113.8",
            False,
        ),
        ({"allowed_addresses": ["203.0.113.7"], "address_header": "X-Real-IP"}, None, False),
        ({"allowed_addresses": ["203.0.113.7"]}, "203.0.113.7", False),
        ({"allowed_addresses": ["nowhere"], "address_header": "X-Real-IP"}, "203.0.113.7", False),
    ],
)
def test_an_address_list(options: dict[str, Any], address: str | None, fits: bool) -> None:
    headers = {} if address is None else {"x-real-ip": address}
    if fits:
        require_address(headers, options)
        return
    with pytest.raises(WebhookRefused):
        require_address(headers, options)


@pytest.mark.parametrize("secret", ["plain", "sch\u00f6n/ & %41", "a/b"])
def test_a_secret_is_the_end_of_the_path(secret: str) -> None:
    url = with_token("https://a.example/hooks/main?x=1", secret)
    assert url.startswith("https://a.example/hooks/main/")
    assert url.endswith("?x=1")
    require_token(url, secret)
    assert with_token("https://a.example/hooks/main", "") == "https://a.example/hooks/main"


def test_a_query_is_added_to() -> None:
    url = with_query("https://a.example/hooks?a=b%20c#top", call_id="ö&1", token="t")
    assert url == "https://a.example/hooks?a=b%20c&call_id=%C3%B6%261&token=t#top"
    assert (query_of(url, "call_id"), query_of(url, "a"), query_of(url, "z")) == ("ö&1", "b c", "")


def line(**options: Any) -> LineConfig:
    return LineConfig(name="main", credentials={"good": "k", "bad": "two\nlines"}, options=options)


def test_credentials_are_checked() -> None:
    assert required_credential(line(), "good") == "k"
    for key in ("bad", "missing"):
        with pytest.raises(Misconfigured, match=key) as caught:
            required_credential(line(), key)
        assert "lines" not in str(caught.value)


def test_options_are_checked() -> None:
    assert text_option(line(), "trunk") is None
    assert required_option(line(trunk="ST_1"), "trunk") == "ST_1"
    for odd in (7, "", ["ST_1"]):
        with pytest.raises(Misconfigured, match="trunk"):
            text_option(line(trunk=odd), "trunk")
    with pytest.raises(Misconfigured, match="trunk"):
        required_option(line(), "trunk")
