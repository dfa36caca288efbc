"""Base class of adapters to one HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import httpx

from outdial.domain.call.event import CallSnapshot
from outdial.providers.credentials import required_credential
from outdial.providers.http.answers import unsupported
from outdial.providers.http.exchange import HeaderAuth, ProviderHttp
from outdial.providers.port import LineConfig, Provider
from outdial.providers.reports.clock import Clock, system_clock
from outdial.providers.signing import require_address


class HttpProvider(Provider):
    """A line at an API over HTTP. What an adapter does not offer raises Unavailable.

    The options `allowed_addresses` and `address_header` hold for every such line, see
    `providers.signing.require_address`.
    """

    notes_departure: ClassVar[bool] = True
    default_url: ClassVar[str]
    """Where the API is unless the line says otherwise."""

    def __init__(
        self, line: LineConfig, *, auth: httpx.Auth | None = None, clock: Clock = system_clock
    ) -> None:
        """Without `auth` the line's `api_key` goes along as a bearer token.

        Raises Misconfigured when a credential or an option can't be used.
        """
        super().__init__(line)
        self._clock = clock
        self._http = ProviderHttp(line, default_url=self.default_url, auth=auth or _bearer(line))

    async def look_up(self, provider_call_id: str) -> CallSnapshot | None:
        raise unsupported(self.line.name, "be asked about a call")

    async def find(self, call_id: str, *, to: str, since: datetime) -> CallSnapshot | None:
        raise unsupported(self.line.name, "find a call")

    async def end(self, provider_call_id: str) -> None:
        raise unsupported(self.line.name, "end calls")

    def verify_sender(
        self, headers: Mapping[str, str], body: bytes, url: str, now: datetime
    ) -> None:
        require_address(headers, self.line.options)
        super().verify_sender(headers, body, url, now)

    async def aclose(self) -> None:
        await self._http.aclose()


def _bearer(line: LineConfig) -> HeaderAuth:
    return HeaderAuth("authorization", f"Bearer {required_credential(line, 'api_key')}")
