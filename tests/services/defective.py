"""A client of Temporal with a defect: every request raises a RuntimeError before it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from hypothesis import strategies as st
from temporalio.bridge.client import Client as BridgeClient
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import ConnectConfig, ServiceClient

NEVER_CONNECTED = "Failed client connect: "

DEFECTS = st.text().filter(lambda text: not text.startswith(NEVER_CONNECTED)) | st.sampled_from(
    [NEVER_CONNECTED.strip(), f" {NEVER_CONNECTED}x", NEVER_CONNECTED.lower(), "connect: failed"]
)
"""Texts of RuntimeErrors of our own, some nearly that of a client that never connected."""


class DefectiveServiceClient(ServiceClient):
    """Where the SDK passes every request on to its core."""

    def __init__(self, text: str = "a defect") -> None:
        super().__init__(ConnectConfig(target_host="127.0.0.1:1"))
        self.text = text

    @property
    def worker_service_client(self) -> NoReturn:
        raise AssertionError("requests alone are made")

    def update_rpc_metadata(self, metadata: Mapping[str, str | bytes]) -> None:
        raise AssertionError("requests alone are made")

    def update_api_key(self, api_key: str | None) -> None:
        raise AssertionError("requests alone are made")

    async def _rpc_call(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError(self.text)

    async def _connected_client(self) -> BridgeClient:
        raise RuntimeError(self.text)


def client_of(service: ServiceClient) -> Client:
    return Client(service, data_converter=pydantic_data_converter)
