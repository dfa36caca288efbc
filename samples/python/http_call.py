"""Request a call over HTTP with `outdial.client`, and wait until it is over."""

from __future__ import annotations

import os
import sys
import time

from outdial.client.client import Client
from outdial.client.models.calls import NewCall, Schedule


def main(to: str) -> None:
    base_url = os.environ.get("API_URL", "http://127.0.0.1:8000")
    with Client(base_url, os.environ["API_KEY"]) as outdial:
        order = NewCall(
            to=to,
            agent="reception",
            variables={"first_name": "Ana"},
            schedule=Schedule(hours="00:00-24:00"),
            context={"order": "4711"},
        )
        # The same key again is the same call, whatever happens to the connection.
        made = outdial.create_call(order, idempotency_key=f"sample-{to}")
        while not (call := outdial.get_call(made.id)).done:
            time.sleep(1)
    print(f"{call.outcome} after {call.attempts} attempt(s)")


if __name__ == "__main__":
    main(sys.argv[1])
