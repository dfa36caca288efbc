"""What the routes share: built when the application starts, given up when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from services.context import ServiceContext
from services.webhooks import WebhookReceiver


@dataclass(frozen=True)
class ApiState:
    context: ServiceContext
    webhooks: WebhookReceiver
    public_url: str


def state_of(request: Request) -> ApiState:
    return cast("ApiState", request.app.state.outdial)
