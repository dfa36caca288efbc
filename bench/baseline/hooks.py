"""The bare baseline's webhook door: verifies like ours, signals, stores nothing."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from outdial.domain.call.event import EventKind
from outdial.providers.adapters.simulated.webhook import SimulatedWebhooks
from outdial.providers.port import LineConfig


async def serve(temporal: str, secret: str, port: int, end_alone: bool) -> None:
    client = await Client.connect(temporal, data_converter=pydantic_data_converter)

    webhooks = SimulatedWebhooks(LineConfig(name="bare", credentials={"webhook_secret": secret}))

    async def hook(request: Request) -> Response:
        body = await request.body()
        url, now = str(request.url), datetime.now(UTC)
        webhooks.verify(request.headers, body, url, now)
        for event in webhooks.read(body, url, now):
            if event.kind is not EventKind.STATUS or not event.call_id or not event.status:
                continue
            if event.status.terminal or not end_alone:
                await client.get_workflow_handle(event.call_id).signal("report", event.status.value)
        return Response(status_code=204)

    app = Starlette(routes=[Route("/hooks/bare", hook, methods=["POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--temporal", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--end-alone", action="store_true")
    asyncio.run(serve(**vars(parser.parse_args())))
