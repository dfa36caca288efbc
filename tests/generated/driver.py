"""A service of somebody else's, in Python: its client is written by openapi-python-client.

Runs in the environment of `make sdks`, in a folder with the generated package. Prints one JSON
object.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from outdial_generated import AuthenticatedClient
from outdial_generated.api.calls import create_call, get_call
from outdial_generated.api.campaigns import (
    add_recipients,
    get_campaign,
    launch_campaign,
    list_campaigns,
    pause_campaign,
    resume_campaign,
)
from outdial_generated.api.endpoints import create_endpoint
from outdial_generated.models import (
    CallWebhook,
    LaunchCampaignJsonBody,
    NewCall,
    NewEndpoint,
    NewRecipients,
    Problem,
)
from standardwebhooks import webhooks as library
from standardwebhooks.webhooks import Webhook

ALWAYS = {"hours": "00:00-24:00"}
AHEAD = timedelta(seconds=float(os.environ["CLOCK_AHEAD"]))
"""How far the engine's clock is ahead of this machine's."""
RECEIVED: list[tuple[dict[str, str], bytes]] = []


class EngineClock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + AHEAD


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        RECEIVED.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        return None


def until(look: Callable[[], Any]) -> Any:
    while True:
        value = look()
        if value is not None:
            return value
        time.sleep(0.1)


def main(first: str, second: str, third: str, fourth: str) -> dict[str, Any]:
    setattr(library, "datetime", EngineClock)  # noqa: B010  # it refuses what is too new
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = AuthenticatedClient(
        base_url=f"{os.environ['API_URL']}/v1", token=os.environ["API_KEY"], timeout=60
    )
    url = f"http://127.0.0.1:{server.server_port}/"
    endpoint = create_endpoint.sync(
        client=api, body=NewEndpoint(url=url, events=["call.completed"])
    )
    name = "by-python"
    definition = {
        "name": name,
        "purpose": "informational",
        "agent": "reminder",
        "schedule": ALWAYS,
        "recipients": [{"phone": first}, {"phone": second}],
    }
    launched = launch_campaign.sync(client=api, body=LaunchCampaignJsonBody.from_dict(definition))
    paused = pause_campaign.sync(name, client=api)
    more = NewRecipients.from_dict({"recipients": [{"phone": third}]})
    add_recipients.sync(name, client=api, body=more)
    listed = list_campaigns.sync(client=api, state="paused")
    resume_campaign.sync(name, client=api)
    order = NewCall.from_dict({"to": fourth, "agent": "reception", "schedule": ALWAYS})
    made = create_call.sync(client=api, body=order, idempotency_key="python-1")

    def over() -> Any:
        call = get_call.sync(made.id, client=api)
        return call if call.done else None

    def ended() -> Any:
        campaign = get_campaign.sync(name, client=api)
        return campaign if campaign.state == "finished" else None

    def delivered() -> Any:
        for headers, body in list(RECEIVED):
            event = CallWebhook.from_dict(Webhook(endpoint.secret).verify(body, headers))
            if event.data.id == made.id:
                return event
        return None

    call, finished, webhook = until(over), until(ended), until(delivered)
    missing = get_call.sync("nothing", client=api)
    assert isinstance(missing, Problem)
    return {
        "created": launched.created,
        "paused": paused.state,
        "listed": [one.name for one in listed.items],
        "call": call.outcome,
        "recipients": finished.progress.recipients,
        "webhook": webhook.data.to,
        "missing": missing.code,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
