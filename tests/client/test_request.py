"""When a request is sent again."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.client.request import NO_RETRIES, Request, Retries, wait_before_next

RETRIES = Retries(attempts=5, first_wait=0.5, longest_wait=20)
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    path=st.just("/calls"),
    idempotent=st.booleans(),
    at_most_once=st.booleans(),
)
statuses = st.sampled_from([200, 201, 400, 401, 404, 409, 422, 429, 500, 502, 503, 504])
lost = st.sampled_from([httpx.ReadError("gone"), httpx.ReadTimeout("late")])
waits = st.none() | st.integers(0, 100)


def answer(status: int, retry_after: int | None = None) -> httpx.Response:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return httpx.Response(status, headers=headers)


@given(requests, st.integers(1, 10), statuses, waits)
def test_waits_are_bounded(request: Request, attempt: int, status: int, after: int | None) -> None:
    wait = wait_before_next(request, RETRIES, attempt, answer(status, after))
    if wait is not None:
        assert attempt < RETRIES.attempts
        assert (after or 0) <= wait <= RETRIES.longest_wait
        assert status in (429, 502, 503, 504)


@given(requests, st.integers(1, 4), lost)
def test_what_may_have_arrived_is_sent_again_only_where_it_does_no_more(
    request: Request, attempt: int, error: httpx.TransportError
) -> None:
    again = wait_before_next(request, RETRIES, attempt, error) is not None
    harmless = request.method in ("GET", "DELETE") and not request.at_most_once
    assert again == (request.idempotent or harmless)


@given(requests, st.integers(1, 4))
def test_what_never_left_is_sent_again(request: Request, attempt: int) -> None:
    assert wait_before_next(request, RETRIES, attempt, httpx.ConnectError("refused")) is not None
    assert wait_before_next(request, RETRIES, attempt, answer(429)) is not None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 500])
def test_what_is_refused_is_not_sent_again(status: int) -> None:
    assert wait_before_next(Request("GET", "/calls"), RETRIES, 1, answer(status)) is None


def test_a_long_retry_after_is_left_to_the_caller() -> None:
    assert wait_before_next(Request("GET", "/calls"), RETRIES, 1, answer(429, 3600)) is None
    assert wait_before_next(Request("GET", "/calls"), NO_RETRIES, 1, answer(429)) is None


@given(st.text(min_size=1, max_size=20))
def test_whatever_is_in_a_path_stays_one_part_of_it(name: str) -> None:
    url = httpx.URL(Request("GET", "/contacts/{id}", parameters={"id": name}).url())
    assert url.raw_path.count(b"/") == 2
    assert b"?" not in url.raw_path


def test_each_request_that_can_has_an_idempotency_key_of_its_own() -> None:
    request = Request("POST", "/calls", idempotent=True)
    assert request.headers()["idempotency-key"] != request.headers()["idempotency-key"]
    named = Request("POST", "/calls", idempotent=True, idempotency_key="order-4711")
    assert named.headers() == {"idempotency-key": "order-4711"}
    assert Request("GET", "/calls", if_match=3).headers() == {"if-match": '"3"'}
