"""One webhook to a customer's URL: sent to a checked address, never redirected."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from outdial.domain.egress import Egress
from outdial.domain.endpoint import Delivery, DeliveryAttempt, Endpoint
from outdial.resources.outgoing.addresses import (
    GuardedTransport,
    NameUnknown,
    UrlRefused,
    parse_url,
)
from outdial.store.webhooks.deliveries import Outcome
from outdial.webhook_formats.catalog import WEBHOOK_FORMATS
from outdial.webhook_formats.port import Message, read_event

REQUEST_SECONDS = 15.0
"""Standard Webhooks recommends 15 to 30; an endpoint that needs longer answers first and does the
work afterwards."""
KEPT_RESPONSE = 2048
"""Bytes of an answer that are logged; more are not read."""
_DIRECT = Egress()
_ALLOWED_TEXT = "the settings do not allow this URL"


class Poster:
    """Sends webhooks for as long as a worker runs."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        allow_private: bool,
        egress: Egress = _DIRECT,
        limit: float = REQUEST_SECONDS,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(allow_private=allow_private, egress=egress),
            timeout=limit,
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def post(self, to: Endpoint, delivery: Delivery) -> Outcome:
        """Send one event once. Raises nothing for what the other side does."""
        now = self._clock()
        webhook_format = WEBHOOK_FORMATS[to.scheme]
        if not webhook_format.several_signatures:
            to = to.model_copy(update={"secret": to.secret_for_try(delivery.attempts)})
        message = webhook_format.write(read_event(delivery.event_id, delivery.payload), to, now)
        if message is None:
            return _nothing_to_deliver(to, now)
        begun = time.monotonic()
        try:
            parse_url(to.url)
            # As a whole, the look-up of the name included: an endpoint that drips a byte now and
            # then would hold its place for ever otherwise.
            async with asyncio.timeout(self._limit):
                status, headers, text = await self._send(to.url, message)
        except TimeoutError:
            late = f"no answer within {self._limit:g} s"
            return _failed(to, message, now, begun, late)
        except NameUnknown as error:
            return _failed(to, message, now, begun, str(error))
        except UrlRefused as error:
            return _failed(to, message, now, begun, f"{_ALLOWED_TEXT}: {error}", never=True)
        except httpx.HTTPError as error:
            return _failed(to, message, now, begun, f"{type(error).__name__}: {error}"[:500])
        good = 200 <= status < 300
        attempt = _attempt(to, message, now, begun).model_copy(
            update={
                "status": status,
                "response_body": text,
                "error": None if good else f"it answered {status}",
            }
        )
        return Outcome(attempt, None if good else _retry_after(headers, now))

    async def _send(self, url: str, message: Message) -> tuple[int, httpx.Headers, str]:
        request = self._client.build_request(
            "POST",
            url,
            content=message.body.encode(),
            # An answer is read as it comes: a few bytes of a compressed one may be gigabytes.
            headers={**message.headers, "accept-encoding": "identity"},
        )
        response = await self._client.send(request, stream=True)
        try:
            return response.status_code, response.headers, await _first_part(response)
        finally:
            await response.aclose()


async def _first_part(response: httpx.Response) -> str:
    kept = bytearray()
    async for chunk in response.aiter_raw():
        kept += chunk
        if len(kept) >= KEPT_RESPONSE:
            break
    return bytes(kept[:KEPT_RESPONSE]).decode("utf-8", "replace").replace("\x00", "")


def _attempt(to: Endpoint, message: Message, now: datetime, begun: float) -> DeliveryAttempt:
    return DeliveryAttempt(
        at=now,
        url=to.url,
        request_headers=message.headers,
        request_body=message.body,
        duration_ms=int((time.monotonic() - begun) * 1000),
    )


def _failed(
    to: Endpoint, message: Message, now: datetime, begun: float, error: str, *, never: bool = False
) -> Outcome:
    attempt = _attempt(to, message, now, begun).model_copy(update={"error": error})
    return Outcome(attempt, never=never)


def _nothing_to_deliver(to: Endpoint, now: datetime) -> Outcome:
    """The scheme has no such event: nothing was sent, and the delivery is over."""
    attempt = DeliveryAttempt(
        at=now, url=to.url, request_headers={}, request_body="", duration_ms=0, status=204
    )
    return Outcome(attempt, nothing=True)


def _retry_after(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """What a Retry-After asks for: seconds, or a date."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 9:
        return timedelta(seconds=int(value))
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError, IndexError):
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(timedelta(0), until - now)
