"""docs/webhooks.md tells every event that there is, and every field of what is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

from outdial.domain.endpoint import EventType
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.webhooks.outbox import publish_campaign
from tests.builders import NOW, House, phone
from tests.store.test_appointment_events import Desk
from tests.store.test_outbox import deliveries_to, listen

DOCUMENT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def named(start: str) -> set[str]:
    """The fields that a paragraph or a row of the table names."""
    begin = DOCUMENT.index(start) + len(start)
    text = re.split(r"\n- |\n\||: no other|\. ", DOCUMENT[begin:], maxsplit=1)[0]
    return set(re.findall(r"`([a-z_]+)`", text))


def test_every_event_is_documented() -> None:
    assert re.findall(r"^\| `([a-z_.]+)` \|", DOCUMENT, re.MULTILINE) == list(EventType)


def test_every_field_is_documented(house: House) -> None:
    endpoint = listen(house)
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.write(lambda s: publish_campaign(s, campaign, EventType.CAMPAIGN_STARTED, now=NOW))
    Desk(house, call.call_id).book()
    house.write(lambda s: suppress_all(s, DEFAULT_TENANT, [phone(9)], "asked", now=NOW, source="x"))
    sent = {
        one.type: set(json.loads(one.payload)["data"]) for one in deliveries_to(house, endpoint)
    }
    assert sent == {
        "call.initiating": named("\n- A call:"),
        "campaign.started": named("\n- A campaign:"),
        "appointment.booked": named("\n- An appointment:"),
        "recipient.suppressed": named("any more |"),
    }
