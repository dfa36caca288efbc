"""Models of the API: deliveries. Written by `make openapi`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

DeliveryState = Literal["pending", "delivered", "failed"] | str


class Delivery(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: int
    endpoint_id: str
    event_id: str
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None


class DeliveryAttempt(BaseModel):
    """One request to an endpoint, and its answer."""

    model_config = ConfigDict(extra="allow", validate_by_name=True)

    at: datetime
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None = None
    response_body: str | None = None
    error: str | None = None
    duration_ms: int


class DeliveryDetails(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    id: int
    endpoint_id: str
    event_id: str
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None
    payload: str
    tries: list[DeliveryAttempt]


class DeliveryPage(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    items: list[Delivery]
    next_cursor: str | None = None


class SentTest(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)

    endpoint: str
    type: Literal["test"] = "test"
