"""Sends requests over HTTP, in a thread's own time or on an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from outdial.client.errors import ApiUnreachable
from outdial.client.request import (
    USER_AGENT,
    Request,
    Retries,
    may_have_arrived,
    raise_refusal,
    read_answer,
    wait_before_next,
    was_deleted,
)

T = TypeVar("T")
_TIMEOUT = httpx.Timeout(30, connect=10)


def _options(base_url: str, key: str, timeout: httpx.Timeout | float) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}", "user-agent": USER_AGENT}
    return {"base_url": f"{base_url.rstrip('/')}/v1", "headers": headers, "timeout": timeout}


class Sender:
    """What the operations of `Client` are made of."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        retries: Retries | None = None,
        timeout: httpx.Timeout | float = _TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`base_url` is where the API is, such as https://calls.example.com."""
        self._retries = retries or Retries()
        self._http = httpx.Client(**_options(base_url, key, timeout), transport=transport)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, request: Request, status: int, kind: type[T]) -> T:
        answer: T = read_answer(self._exchange(request), {status: kind})
        return answer

    def _send_for_one_of(self, request: Request, kinds: Mapping[int, Any]) -> Any:
        return read_answer(self._exchange(request), kinds)

    def _send_for_text(self, request: Request) -> str:
        response = self._exchange(request)
        raise_refusal(response)
        return response.text

    def _send_for_nothing(self, request: Request) -> None:
        response, repeated = self._attempt(request)
        if not (repeated and was_deleted(request, response)):
            raise_refusal(response)

    def _exchange(self, request: Request) -> httpx.Response:
        return self._attempt(request)[0]

    def _attempt(self, request: Request) -> tuple[httpx.Response, bool]:
        """The answer, and whether an attempt before it may have been carried out."""
        headers = request.headers()
        attempt, repeated = 1, False
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.send(request.build(self._http, headers))
            except httpx.TransportError as error:
                outcome = error
            wait = wait_before_next(request, self._retries, attempt, outcome)
            if wait is None:
                break
            attempt += 1
            repeated |= may_have_arrived(outcome)
            time.sleep(wait)
        if isinstance(outcome, httpx.TransportError):
            raise ApiUnreachable(f"no answer: {outcome}") from outcome
        return outcome, repeated


class AsyncSender:
    """What the operations of `AsyncClient` are made of."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        retries: Retries | None = None,
        timeout: httpx.Timeout | float = _TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`base_url` is where the API is, such as https://calls.example.com."""
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(**_options(base_url, key, timeout), transport=transport)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _send(self, request: Request, status: int, kind: type[T]) -> T:
        answer: T = read_answer(await self._exchange(request), {status: kind})
        return answer

    async def _send_for_one_of(self, request: Request, kinds: Mapping[int, Any]) -> Any:
        return read_answer(await self._exchange(request), kinds)

    async def _send_for_text(self, request: Request) -> str:
        response = await self._exchange(request)
        raise_refusal(response)
        return response.text

    async def _send_for_nothing(self, request: Request) -> None:
        response, repeated = await self._attempt(request)
        if not (repeated and was_deleted(request, response)):
            raise_refusal(response)

    async def _exchange(self, request: Request) -> httpx.Response:
        return (await self._attempt(request))[0]

    async def _attempt(self, request: Request) -> tuple[httpx.Response, bool]:
        """The answer, and whether an attempt before it may have been carried out."""
        headers = request.headers()
        attempt, repeated = 1, False
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = await self._http.send(request.build(self._http, headers))
            except httpx.TransportError as error:
                outcome = error
            wait = wait_before_next(request, self._retries, attempt, outcome)
            if wait is None:
                break
            attempt += 1
            repeated |= may_have_arrived(outcome)
            await asyncio.sleep(wait)
        if isinstance(outcome, httpx.TransportError):
            raise ApiUnreachable(f"no answer: {outcome}") from outcome
        return outcome, repeated
