"""What an answer means, by its status and the provider's own code."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from outdial.domain.call.status import FailureClass
from outdial.providers.errors import (
    Misconfigured,
    NotPlaced,
    PlacementUnknown,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
)
from outdial.providers.http.answers import (
    content_of,
    json_of,
    placement_error,
    refusal_of,
    request_error,
    retry_after,
    unsupported,
)


@pytest.mark.parametrize(
    ("status", "create", "other"),
    [
        (200, PlacementUnknown, Unavailable),
        (303, PlacementUnknown, Unavailable),
        (400, Misconfigured, Misconfigured),
        (401, Misconfigured, Misconfigured),
        (404, Misconfigured, Misconfigured),
        (408, PlacementUnknown, Unavailable),
        (409, Misconfigured, Misconfigured),
        (429, Throttled, Throttled),
        (500, PlacementUnknown, Unavailable),
        (502, PlacementUnknown, Unavailable),
        (503, PlacementUnknown, Unavailable),
        (504, PlacementUnknown, Unavailable),
    ],
)
def test_every_status(status: int, create: type[ProviderError], other: type[ProviderError]) -> None:
    response = httpx.Response(status)
    assert type(placement_error(response, "main")) is create
    assert type(request_error(response, "main")) is other
    assert placement_error(response, "main").provider_code == str(status)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (FailureClass.THROTTLED, Throttled),
        (FailureClass.REJECTED, Rejected),
        (FailureClass.MISCONFIGURED, Misconfigured),
        (FailureClass.UNAVAILABLE, Unavailable),
    ],
)
def test_a_known_code_decides(failure: FailureClass, kind: type[NotPlaced]) -> None:
    response = httpx.Response(400)
    error = placement_error(response, "main", code="21211", failure=failure)
    assert (type(error), error.provider_code) == (kind, "21211")
    assert "400 (21211)" in str(error)
    assert type(refusal_of(failure, "no")) is kind


def test_what_nobody_knows_is_no_refusal() -> None:
    error = placement_error(httpx.Response(400), "main", failure=FailureClass.UNKNOWN)
    assert type(error) is PlacementUnknown


@pytest.mark.parametrize(
    "code", ["number +12025550143 is odd", "4420255501", "é", "", "x" * 61, "two\nlines"]
)
def test_a_code_that_may_be_about_a_person_is_not_told(code: str) -> None:
    for error in (
        placement_error(httpx.Response(400), "main", code=code),
        placement_error(httpx.Response(500), "main", code=code),
        request_error(httpx.Response(500), "main", code=code),
    ):
        assert error.provider_code in ("400", "500")
        assert not code or code not in str(error)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7), ("0.25", 0.25), ("0", 0), ("", None), ("-3", None), ("nan", None), ("1e99", None)],
)
def test_retry_after(header: str, wait: float | None) -> None:
    response = httpx.Response(429, headers={"retry-after": header})
    expected = None if wait is None else timedelta(seconds=wait)
    assert retry_after(response) == expected
    error = placement_error(response, "main")
    assert isinstance(error, Throttled)
    assert error.retry_after == expected


def test_a_date_to_come_back_at_is_left_out() -> None:
    date = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert retry_after(httpx.Response(429, headers=date)) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_nothing(body: bytes) -> None:
    assert json_of(httpx.Response(200, content=body)) is None
    with pytest.raises(Unavailable, match="unreadable"):
        content_of(httpx.Response(200, content=body), "main")


def test_the_content_of_an_answer() -> None:
    assert content_of(httpx.Response(200, json={"a": 1}), "main") == {"a": 1}
    with pytest.raises(Unavailable, match="unreadable"):
        content_of(httpx.Response(200, json=[1]), "main")
    with pytest.raises(Throttled):
        content_of(httpx.Response(429, json={"a": 1}), "main")


def test_what_a_provider_cannot_do() -> None:
    error = unsupported("main", "end calls")
    assert (error.provider_code, str(error)) == (
        "unsupported",
        "line main: the provider can't end calls",
    )
