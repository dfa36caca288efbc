"""Launch a campaign over HTTP with `outdial.client`, and hear of its end by a signed webhook."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid

from outdial.client.async_client import AsyncClient
from outdial.client.models.endpoints import NewEndpoint
from outdial.client.models.webhooks import CallWebhook, CampaignWebhook
from outdial.client.webhooks import Event, verify_webhook

RECEIVED: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()


async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes one webhook. A service of yours does this with the framework that it has."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    await RECEIVED.put((headers, body))
    writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


def show(event: Event) -> bool:
    """Print an event; whether it was the campaign's last."""
    if isinstance(event, CallWebhook) and event.data.ended_at is not None:
        print(f"{event.data.to}: {event.data.outcome}")
    over = isinstance(event, CampaignWebhook) and event.type == "campaign.finished"
    if over:
        print("the campaign is over")
    return over


async def main(numbers: list[str]) -> None:
    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    base_url = os.environ.get("API_URL", "http://127.0.0.1:8000")
    async with server, AsyncClient(base_url, os.environ["API_KEY"]) as outdial:
        endpoint = await outdial.create_endpoint(NewEndpoint(url=f"http://127.0.0.1:{port}/"))
        await outdial.launch_campaign(
            {
                "name": f"sample-{uuid.uuid4().hex[:8]}",
                "purpose": "informational",
                "agent": "reminder",
                "recipients": [{"phone": number} for number in numbers],
                "schedule": {"hours": "00:00-24:00"},
            }
        )
        over = False
        while not over:
            headers, body = await RECEIVED.get()
            over = show(verify_webhook(endpoint.secret, headers, body))
        await outdial.delete_endpoint(endpoint.id)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
