"""One webhook to a customer: where it may go, how it is signed, what is made of the answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from fastapi.responses import Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from activities.posting import KEPT_RESPONSE, Poster
from outdial.domain.endpoint import Delivery, DeliveryState, Endpoint
from outdial.resources.outgoing.addresses import UrlRefused, resolve
from outdial.store.webhooks.deliveries import Outcome
from tests.receiver import Receiver, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime.now(UTC)
EVENT = {"type": "call.completed", "timestamp": NOW.isoformat(), "data": {"id": "ü"}}


def endpoint(url: str, **changes: Any) -> Endpoint:
    values = {"id": "ep_1", "tenant": "t", "url": url, "secret": SECRET}
    return Endpoint(**(values | {"created_at": NOW, "updated_at": NOW} | changes))


def delivery() -> Delivery:
    return Delivery(
        id=1,
        tenant="t",
        endpoint_id="ep_1",
        event_id="evt_1",
        type="call.completed",
        subject="call/1",
        payload=json.dumps(EVENT, ensure_ascii=False),
        state=DeliveryState.PENDING,
        attempts=0,
        next_at=NOW,
        created_at=NOW,
        delivered_at=None,
        last_status=None,
        last_error=None,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def customer() -> AsyncIterator[Receiver]:
    async with receiving(Receiver()) as receiver:
        yield receiver


async def post(url: str, *, allow_private: bool = True) -> Outcome:
    # The library that verifies takes signatures of the last five minutes alone.
    poster = Poster(lambda: datetime.now(UTC), allow_private=allow_private)
    try:
        return await poster.post(endpoint(url), delivery())
    finally:
        await poster.aclose()


async def test_the_reference_library_verifies_it(customer: Receiver) -> None:
    outcome = await post(customer.url)
    assert outcome.delivered
    (heard,) = customer.received
    assert Webhook(SECRET).verify(heard.body, heard.headers) == EVENT
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(heard.body + b" ", heard.headers)
    assert outcome.attempt.status == 200
    assert outcome.attempt.request_body == delivery().payload


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "0.0.0.0",
     "[::ffff:127.0.0.1]", "[fe80::1]", "100.64.0.1", "[2002:7f00:1::]", "224.0.0.1", "2130706433"],
)  # fmt: skip
async def test_no_address_is_asked_that_only_we_can_reach(host: str) -> None:
    outcome = await post(f"http://{host}:1/hooks", allow_private=False)
    assert (outcome.delivered, outcome.never) == (False, True)
    assert "no public address" in (outcome.attempt.error or "")


async def test_private_addresses_only_where_the_settings_allow_them(customer: Receiver) -> None:
    assert not (await post(customer.url, allow_private=False)).delivered
    assert customer.received == []
    assert (await post(customer.url, allow_private=True)).delivered


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example", "http://", "http://u:p@a.example", "nonsense", "http://a b", "http://a:x"],
)
async def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UrlRefused):
        await resolve(url, allow_private=True)


async def test_redirects_are_not_followed(customer: Receiver) -> None:
    customer.answer = lambda number: Response(
        status_code=307, headers={"location": "http://169.254.169.254/"}
    )
    outcome = await post(customer.url)
    assert (outcome.delivered, outcome.attempt.status, len(customer.received)) == (False, 307, 1)


async def test_the_answer_is_kept_in_part(customer: Receiver) -> None:
    customer.answer = lambda number: Response("x\x00" * 5000, status_code=500)
    outcome = await post(customer.url)
    assert outcome.attempt.response_body == "x" * (KEPT_RESPONSE // 2)
    assert outcome.attempt.error == "it answered 500"


@pytest.mark.parametrize(
    ("asked", "wait"),
    [("120", timedelta(minutes=2)), ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta(0)), ("x", None)],
)
async def test_when_to_try_again(customer: Receiver, asked: str, wait: timedelta | None) -> None:
    customer.answer = lambda number: Response(status_code=503, headers={"retry-after": asked})
    assert (await post(customer.url)).retry_after == wait


async def test_nobody_there() -> None:
    outcome = await post("http://127.0.0.1:1/hooks")
    assert (outcome.delivered, outcome.never, outcome.attempt.status) == (False, False, None)
    assert "ConnectError" in (outcome.attempt.error or "")
    unknown = await post("http://nowhere.invalid/hooks")
    assert (unknown.never, unknown.attempt.status) == (False, None)
